//! A proxy in front of the server that cuts connections when it is told to. What it carries is encrypted, so it looks
//! at the server's files to know when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the server's answers.
pub enum Trouble {
    None,
    /// When this holds, the connection is cut instead of carrying the next answer; then no more trouble.
    CutWhen(Box<dyn Fn() -> bool + Send>),
    /// Answers no longer come through.
    Hang,
}

pub struct Proxy {
    pub port: u16,
    /// Connections that came in.
    pub connections: Arc<AtomicUsize>,
    trouble: Arc<Mutex<Trouble>>,
}

impl Proxy {
    pub async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let trouble = Arc::new(Mutex::new(Trouble::None));
        let (counter, shared) = (Arc::clone(&connections), Arc::clone(&trouble));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let upstream = TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = upstream.into_split();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // When one direction ends, both do.
                    tokio::select! {
                        () = requests(from_client, to_server) => {}
                        () = answers(from_server, to_client, &shared) => {}
                    }
                });
            }
        });
        Self { port, connections, trouble }
    }

    pub fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // A connection that breaks is what the client then sees.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, trouble: &Mutex<Trouble>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let (cut, hang) = match &*trouble.lock().unwrap() {
            Trouble::None => (false, false),
            Trouble::CutWhen(now) => (now(), false),
            Trouble::Hang => (false, true),
        };
        if cut {
            *trouble.lock().unwrap() = Trouble::None;
            return;
        }
        if !hang && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
