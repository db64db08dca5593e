//! A proxy in front of the server that loses commits, or their answers, when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(dead_code, reason = "each of the suites that share this file has its own")]
pub enum Trouble {
    Nothing,
    /// Commits arrive and their answers do not.
    LoseAnswer,
    /// Commits do not arrive.
    LoseCommit,
    /// As [`LoseAnswer`](Self::LoseAnswer), and nothing passes afterwards.
    LoseAnswerAndServer,
    /// Nothing passes any more.
    Gone,
    /// The next transaction begins, and its answer waits: the trouble is [`Held`](Self::Held) meanwhile.
    HoldBegin,
    /// An answer waits for the end of the trouble.
    Held,
}

pub struct Proxy {
    pub url: String,
    trouble: Arc<AtomicU8>,
}

/// What the client sends to commit: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// What a transaction begins with.
const BEGIN: &[u8] = b"BEGIN ISOLATION LEVEL";

impl Proxy {
    /// Stands between the client and the server at this URL.
    pub async fn start(url: &str) -> Self {
        let (front, rest) =
            url.rsplit_once('@').map_or(("postgres://".to_owned(), url), |(front, rest)| (format!("{front}@"), rest));
        let rest = rest.strip_prefix("postgres://").unwrap_or(rest);
        let (server, path) = rest.split_once('/').unwrap();
        let server = if server.contains(':') { server.to_owned() } else { format!("{server}:5432") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{front}{}/{path}", listener.local_addr().unwrap());
        let trouble = Arc::new(AtomicU8::new(Trouble::Nothing as u8));
        let shared = Arc::clone(&trouble);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, trouble) = (server.clone(), Arc::clone(&shared));
                // A connection that breaks is what the client then sees.
                tokio::spawn(async move { pass(client, &server, &trouble).await });
            }
        });
        Self { url, trouble }
    }

    pub fn set(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::SeqCst);
    }

    /// Waits until the server has begun a transaction whose answer waits.
    #[allow(dead_code, reason = "each of the suites that share this file has its own")]
    pub async fn held(&self) {
        while self.trouble.load(Ordering::SeqCst) != Trouble::Held as u8 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

async fn pass(client: TcpStream, server: &str, trouble: &AtomicU8) -> std::io::Result<()> {
    let is = |expected: Trouble| trouble.load(Ordering::SeqCst) == expected as u8;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let bytes = &asked[..read?];
                if bytes.is_empty() || is(Trouble::Gone) {
                    return Ok(());
                }
                if bytes.windows(BEGIN.len()).any(|window| window == BEGIN) && is(Trouble::HoldBegin) {
                    to_server.write_all(bytes).await?;
                    trouble.store(Trouble::Held as u8, Ordering::SeqCst);
                    while is(Trouble::Held) {
                        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    }
                    continue;
                }
                let commit = bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
                if commit && is(Trouble::LoseCommit) {
                    return Ok(());
                }
                to_server.write_all(bytes).await?;
                if commit && (is(Trouble::LoseAnswer) || is(Trouble::LoseAnswerAndServer)) {
                    // The server has answered, so the commit has taken effect.
                    assert_ne!(from_server.read(&mut answered).await?, 0);
                    if is(Trouble::LoseAnswerAndServer) {
                        trouble.store(Trouble::Gone as u8, Ordering::SeqCst);
                    }
                    return Ok(());
                }
            }
            read = from_server.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() || is(Trouble::Gone) {
                    return Ok(());
                }
                to_client.write_all(bytes).await?;
            }
        }
    }
}
