//! A service in memory that speaks what S3 and Google Cloud Storage have in common, counts its requests, and fails as
//! it is told. It is no proof of how the services behave; it shows what is asked of them and what is made of answers.

mod answer;
mod objects;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use answer::Answer;
use objects::Objects;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is answered so, with this pause asked for, and does nothing.
    Status(u16, Option<u64>),
    /// It is answered so, with this header, and does nothing.
    With(u16, &'static str, &'static str),
    /// It is never answered, and does nothing.
    Hang,
    /// The connection closes without an answer, and nothing is done.
    Close,
    /// It is done, and the connection closes without an answer.
    LoseReply,
    /// It is done, and half of the answer's body arrives.
    CutBody,
    /// It is done, and answered as a success whose body is an error.
    ErrorBody,
}

struct Rule {
    method: &'static str,
    query: &'static str,
    trouble: Trouble,
    times: usize,
}

#[derive(Default)]
struct State {
    objects: Mutex<Objects>,
    requests: Mutex<Vec<String>>,
    rules: Mutex<Vec<Rule>>,
}

pub struct Fake {
    pub endpoint: String,
    state: Arc<State>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A connection that breaks is what the client then sees.
                tokio::spawn(async move { serve(client, &state).await });
            }
        });
        Self { endpoint, state }
    }

    /// Lets so many requests with this method and this text in their query fail.
    pub fn fail(&self, method: &'static str, query: &'static str, trouble: Trouble, times: usize) {
        self.state.rules.lock().unwrap().push(Rule { method, query, trouble, times });
    }

    /// Lets everything work again.
    pub fn heal(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// The requests since the last call, as method and query.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.requests.lock().unwrap())
    }

    /// Uploads that are neither finished nor given up.
    pub fn uploads(&self) -> usize {
        self.state.objects.lock().unwrap().uploads()
    }
}

/// A request, decoded.
pub struct Request {
    pub method: String,
    /// The key without the bucket; empty for the bucket itself.
    pub key: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

async fn serve(mut client: TcpStream, state: &State) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some((request, query)) = receive(&mut client, &mut buffer).await? {
        state.requests.lock().unwrap().push(format!("{} {query}", request.method).trim().to_owned());
        let trouble = trouble(state, &request.method, &query);
        let head = request.method == "HEAD";
        let answer = |request: &Request| state.objects.lock().unwrap().answer(request);
        match trouble {
            None => client.write_all(&answer(&request).bytes(head)).await?,
            Some(Trouble::Status(status, pause)) => {
                let pause = pause.map(|pause| ("retry-after", pause.to_string()));
                let answer =
                    pause.into_iter().fold(Answer::new(status), |answer, (name, value)| answer.with(name, value));
                client.write_all(&answer.bytes(head)).await?;
            }
            Some(Trouble::With(status, name, value)) => {
                client.write_all(&Answer::new(status).with(name, value).bytes(head)).await?;
            }
            Some(Trouble::Hang) => tokio::time::sleep(Duration::from_secs(3_600)).await,
            Some(Trouble::Close) => return Ok(()),
            Some(Trouble::LoseReply) => {
                answer(&request);
                return Ok(());
            }
            Some(Trouble::ErrorBody) => {
                answer(&request);
                let error = "<Error><Code>InternalError</Code></Error>".to_owned();
                client.write_all(&Answer::xml(error).bytes(head)).await?;
            }
            Some(Trouble::CutBody) => {
                let answer = answer(&request);
                let bytes = answer.bytes(head);
                return client.write_all(&bytes[..bytes.len() - answer.body.len() / 2]).await;
            }
        }
    }
    Ok(())
}

fn trouble(state: &State, method: &str, query: &str) -> Option<Trouble> {
    let mut rules = state.rules.lock().unwrap();
    let rule = rules.iter_mut().find(|rule| rule.times > 0 && rule.method == method && query.contains(rule.query))?;
    rule.times -= 1;
    Some(rule.trouble)
}

/// The next request of a connection and its query as it was sent.
async fn receive(client: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<(Request, String)>> {
    let mut chunk = vec![0; 65_536];
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let (request, query) = parse(&head);
            let length = request.header("content-length").map_or(0, |text| text.parse::<usize>().unwrap());
            while buffer.len() < end + 4 + length {
                match client.read(&mut chunk).await? {
                    0 => return Ok(None),
                    read => buffer.extend_from_slice(&chunk[..read]),
                }
            }
            let body = buffer[end + 4..end + 4 + length].to_vec();
            buffer.drain(..end + 4 + length);
            return Ok(Some((Request { body, ..request }, query)));
        }
        match client.read(&mut chunk).await? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

fn parse(head: &str) -> (Request, String) {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))).collect();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    (Request { method, key: decode(key), query: pairs, headers, body: Vec::new() }, query.to_owned())
}

/// Undoes percent-encoding.
pub fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| std::str::from_utf8(&tail[..2]).unwrap());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
