//! A proxy in front of a service that loses what it is told to lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Puts arrive and their replies do not.
    LoseReply,
    /// Puts do not arrive.
    LoseRequest,
    /// Puts are answered so, and do not arrive.
    Answer(u16),
}

pub struct Proxy {
    pub endpoint: String,
    /// Puts that came in.
    pub puts: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn start(service: &str, trouble: Trouble) -> Self {
        let service = service.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let puts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&puts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (service, counter) = (service.clone(), Arc::clone(&counter));
                // A connection that breaks is what the client then sees.
                tokio::spawn(async move { pass(client, &service, trouble, &counter).await });
            }
        });
        Self { endpoint, puts }
    }
}

/// One request per connection, read as a whole.
async fn pass(mut client: TcpStream, service: &str, trouble: Trouble, puts: &AtomicUsize) -> std::io::Result<()> {
    let request = request(&mut client).await?;
    let put = request.starts_with(b"PUT ");
    if put {
        puts.fetch_add(1, Ordering::SeqCst);
    }
    match trouble {
        Trouble::LoseRequest if put => return Ok(()),
        Trouble::Answer(status) if put => {
            let reply = format!("HTTP/1.1 {status} Trouble\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            return client.write_all(reply.as_bytes()).await;
        }
        _ => {}
    }
    let mut upstream = TcpStream::connect(service).await?;
    upstream.write_all(&request).await?;
    let mut reply = Vec::new();
    upstream.read_to_end(&mut reply).await?;
    if put && trouble == Trouble::LoseReply {
        return Ok(());
    }
    client.write_all(&reply).await
}

async fn request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.map_or(0, |text| text.trim().parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                // The service closes after its reply, so that the reply can be read to its end.
                let mut closing = bytes[..end].to_vec();
                closing.extend_from_slice(b"\r\nconnection: close");
                closing.extend_from_slice(&bytes[end..]);
                return Ok(closing);
            }
        }
        match client.read(&mut buffer).await? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
