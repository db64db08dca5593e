//! Answers of the service, and its XML.

/// An answer.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn xml(body: String) -> Self {
        Self::new(200).with("content-type", "application/xml").body(body.into_bytes())
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// As it is sent; a HEAD has the length of the body and no body.
    pub fn bytes(&self, head: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} Answer\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        if !head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

/// What is between all pairs of a tag.
pub fn all_of(xml: &str, tag: &str) -> Vec<String> {
    let begin = format!("<{tag}>");
    let parts = xml.split(begin.as_str()).skip(1);
    parts.filter_map(|part| part.split_once(&format!("</{tag}>")).map(|(text, _)| unescape(text))).collect()
}
