//! The objects of the service and what its requests do to them, all under one lock.

use std::collections::BTreeMap;

use super::answer::{Answer, all_of, escape};
use super::{Request, decode};

const MODIFIED: &str = "Wed, 21 Oct 2015 07:28:00 GMT";

#[derive(Default)]
pub struct Objects {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    count: u64,
}

#[derive(Clone)]
struct Object {
    body: Vec<u8>,
    state: u64,
    metadata: Vec<(String, String)>,
}

struct Upload {
    metadata: Vec<(String, String)>,
    parts: BTreeMap<u32, Vec<u8>>,
}

impl Object {
    fn etag(&self) -> String {
        format!("\"{:x}\"", self.state)
    }

    /// As on Google Cloud Storage: a number, and no etag.
    fn generation(&self) -> String {
        (1_000_000 + self.state).to_string()
    }

    fn describe(&self, answer: Answer) -> Answer {
        let answer = answer.with("etag", self.etag()).with("x-goog-generation", self.generation());
        let answer = answer.with("last-modified", MODIFIED);
        self.metadata.iter().fold(answer, |answer, (name, value)| answer.with(name, value))
    }
}

fn metadata(request: &Request) -> Vec<(String, String)> {
    let kept = |name: &str| name.starts_with("x-amz-meta-") || name.starts_with("x-goog-meta-");
    request.headers.iter().filter(|(name, _)| kept(name)).cloned().collect()
}

impl Objects {
    pub fn uploads(&self) -> usize {
        self.uploads.len()
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        let upload = request.parameter("uploadId").map(str::to_owned);
        match (request.method.as_str(), request.key.as_str(), upload) {
            ("GET", "", _) => self.list(request),
            ("POST", "", _) => self.delete_many(request),
            ("POST", _, Some(upload)) => self.finish(request, &upload),
            ("POST", ..) => self.begin(request),
            ("PUT", _, Some(upload)) => self.part(request, &upload),
            ("PUT", ..) => self.put(request),
            ("DELETE", _, Some(upload)) => match self.uploads.remove(&upload) {
                Some(_) => Answer::new(204),
                None => Answer::new(404),
            },
            ("DELETE", key, _) => match self.refusal(request, self.objects.get(key)) {
                Some(status) => Answer::new(status),
                // S3 does not tell whether there was an object; Google does.
                None => match (self.objects.remove(key), request.header("authorization")) {
                    (None, Some(bearer)) if bearer.starts_with("Bearer") => Answer::new(404),
                    _ => Answer::new(204),
                },
            },
            ("GET" | "HEAD", ..) => self.get(request),
            _ => Answer::new(501),
        }
    }

    /// The status for a condition that is false.
    fn refusal(&self, request: &Request, found: Option<&Object>) -> Option<u16> {
        let generation = found.map_or("0".to_owned(), Object::generation);
        let etag = found.map(Object::etag);
        let wrong = request.header("if-none-match").is_some_and(|_| found.is_some())
            || request.header("if-match").is_some_and(|wanted| etag.as_deref() != Some(wanted))
            || request.header("x-goog-if-generation-match").is_some_and(|wanted| wanted != generation);
        wrong.then_some(412)
    }

    fn store(&mut self, key: &str, body: Vec<u8>, metadata: Vec<(String, String)>) -> Object {
        self.count += 1;
        let object = Object { body, state: self.count, metadata };
        self.objects.insert(key.to_owned(), object.clone());
        object
    }

    fn put(&mut self, request: &Request) -> Answer {
        if let Some(status) = self.refusal(request, self.objects.get(&request.key)) {
            return Answer::new(status);
        }
        let source = request.header("x-amz-copy-source").or(request.header("x-goog-copy-source"));
        let Some(source) = source else {
            let object = self.store(&request.key, request.body.clone(), metadata(request));
            return object.describe(Answer::new(200));
        };
        let source = decode(source);
        let source = source.split_once('/').map_or("", |(_, key)| key);
        let Some(found) = self.objects.get(source).cloned() else { return Answer::new(404) };
        let object = self.store(&request.key, found.body, found.metadata);
        object.describe(Answer::xml(format!(
            "<CopyObjectResult><ETag>{}</ETag></CopyObjectResult>",
            escape(&object.etag())
        )))
    }

    fn get(&self, request: &Request) -> Answer {
        let Some(object) = self.objects.get(&request.key) else { return Answer::new(404) };
        if let Some(status) = self.refusal(request, Some(object)) {
            return Answer::new(status);
        }
        let size = object.body.len();
        let Some(range) = request.header("range") else {
            return object.describe(Answer::new(200)).body(object.body.clone());
        };
        let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        let (start, end) = match (start.parse::<usize>(), end.parse::<usize>()) {
            (Ok(start), Ok(end)) => (start, size.min(end + 1)),
            (Ok(start), Err(_)) => (start, size),
            (Err(_), length) => (size.saturating_sub(length.unwrap()), size),
        };
        if start >= size {
            return Answer::new(416);
        }
        let answer = object.describe(Answer::new(206));
        answer.with("content-range", format!("bytes {start}-{}/{size}", end - 1)).body(object.body[start..end].to_vec())
    }

    fn list(&self, request: &Request) -> Answer {
        let prefix = request.parameter("prefix").unwrap_or_default();
        let after = request.parameter("continuation-token").or(request.parameter("start-after")).unwrap_or_default();
        let most = request.parameter("max-keys").map_or(1_000, |text| text.parse().unwrap());
        let (mut entries, mut last, mut more) = (Vec::<String>::new(), String::new(), false);
        let mut folders = Vec::<String>::new();
        for (key, object) in &self.objects {
            let Some(below) = key.strip_prefix(prefix).filter(|_| key.as_str() > after) else { continue };
            let folder = request.parameter("delimiter").and_then(|_| below.split_once('/'));
            let folder = folder.map(|(name, _)| format!("{prefix}{name}/"));
            if folder.as_ref().is_some_and(|folder| folders.contains(folder) || after.starts_with(folder.as_str())) {
                last.clone_from(key);
                continue;
            }
            if entries.len() + folders.len() == most {
                more = true;
                break;
            }
            last.clone_from(key);
            match folder {
                Some(folder) => folders.push(folder),
                None => entries.push(format!(
                    "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
                     <ETag>{}</ETag><Generation>{}</Generation></Contents>",
                    escape(key),
                    object.body.len(),
                    escape(&object.etag()),
                    object.generation()
                )),
            }
        }
        let folders =
            folders.iter().map(|name| format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escape(name)));
        let next = if more {
            format!("<NextContinuationToken>{}</NextContinuationToken>", escape(&last))
        } else {
            String::new()
        };
        let (entries, folders) = (entries.concat(), folders.collect::<String>());
        Answer::xml(format!("<ListBucketResult>{entries}{folders}{next}</ListBucketResult>"))
    }

    fn delete_many(&mut self, request: &Request) -> Answer {
        let keys = all_of(&String::from_utf8_lossy(&request.body), "Key");
        for key in &keys {
            self.objects.remove(key);
        }
        let deleted = keys.iter().map(|key| format!("<Deleted><Key>{}</Key></Deleted>", escape(key)));
        Answer::xml(format!("<DeleteResult>{}</DeleteResult>", deleted.collect::<String>()))
    }

    fn begin(&mut self, request: &Request) -> Answer {
        self.count += 1;
        let id = format!("upload{}", self.count);
        self.uploads.insert(id.clone(), Upload { metadata: metadata(request), parts: BTreeMap::new() });
        Answer::xml(format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
    }

    fn part(&mut self, request: &Request, upload: &str) -> Answer {
        let number = request.parameter("partNumber").map_or(0, |text| text.parse().unwrap());
        let Some(upload) = self.uploads.get_mut(upload) else { return Answer::new(404) };
        upload.parts.insert(number, request.body.clone());
        Answer::new(200).with("etag", format!("\"part{number}\""))
    }

    fn finish(&mut self, request: &Request, upload: &str) -> Answer {
        if let Some(status) = self.refusal(request, self.objects.get(&request.key)) {
            return Answer::new(status);
        }
        let Some(upload) = self.uploads.remove(upload) else { return Answer::new(404) };
        let body = upload.parts.into_values().flatten().collect();
        let object = self.store(&request.key, body, upload.metadata);
        let etag = escape(&object.etag());
        object.describe(Answer::xml(format!(
            "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
        )))
    }
}
