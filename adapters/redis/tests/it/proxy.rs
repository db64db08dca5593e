//! A proxy in front of the server that loses what it is told to lose.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to scripts on their way; everything else gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Trouble {
    Nothing,
    /// The connection breaks before the server has them.
    LoseRequest,
    /// The connection breaks once the server has answered.
    LoseReply,
    /// They go nowhere, and the connection stays.
    Hang,
}

pub struct Proxy {
    pub port: u16,
    trouble: Arc<AtomicU8>,
    /// Scripts that came in.
    pub scripts: Arc<AtomicUsize>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    /// Connections that came in.
    pub count: Arc<AtomicUsize>,
    /// Of these, how many are frozen.
    frozen: Arc<AtomicUsize>,
    refuses: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            trouble: Arc::default(),
            scripts: Arc::default(),
            connections: Arc::default(),
            count: Arc::default(),
            frozen: Arc::default(),
            refuses: Arc::default(),
        };
        let (trouble, scripts) = (Arc::clone(&proxy.trouble), Arc::clone(&proxy.scripts));
        let (connections, refuses) = (Arc::clone(&proxy.connections), Arc::clone(&proxy.refuses));
        let (count, frozen) = (Arc::clone(&proxy.count), Arc::clone(&proxy.frozen));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let upstream = TcpStream::connect(&server).unwrap();
                connections.lock().unwrap().extend([client.try_clone().unwrap(), upstream.try_clone().unwrap()]);
                let (number, frozen) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&frozen));
                let is_frozen = move || number < frozen.load(Ordering::SeqCst);
                pass(client, upstream, &trouble, &scripts, is_frozen);
            }
        });
        proxy
    }

    pub fn set(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::SeqCst);
    }

    /// From now on nothing gets through on the connections that are there, and they stay. New ones are as they should be.
    pub fn freeze(&self) {
        self.frozen.store(self.count.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Breaks all connections, as a server that restarts; or one that is gone, which takes no new ones.
    pub fn cut(&self, gone: bool) {
        self.refuses.store(gone, Ordering::SeqCst);
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn pass(
    client: TcpStream,
    upstream: TcpStream,
    trouble: &Arc<AtomicU8>,
    scripts: &Arc<AtomicUsize>,
    is_frozen: impl Fn() -> bool + Send + 'static,
) {
    let lose_reply = Arc::new(AtomicBool::new(false));
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let (trouble, scripts, lose) = (Arc::clone(trouble), Arc::clone(scripts), Arc::clone(&lose_reply));
    thread::spawn(move || {
        each_chunk(&mut from_client, |chunk| {
            if is_frozen() {
                return true;
            }
            if chunk.windows(7).any(|window| window == b"EVALSHA") {
                scripts.fetch_add(1, Ordering::SeqCst);
                match trouble.load(Ordering::SeqCst) {
                    now if now == Trouble::LoseRequest as u8 => return false,
                    now if now == Trouble::Hang as u8 => return true,
                    now => lose.store(now == Trouble::LoseReply as u8, Ordering::SeqCst),
                }
            }
            to_server.write_all(chunk).is_ok()
        });
        let _ = (from_client.shutdown(Shutdown::Both), to_server.shutdown(Shutdown::Both));
    });
    let (mut from_server, mut to_client) = (upstream, client);
    thread::spawn(move || {
        each_chunk(&mut from_server, |chunk| !lose_reply.load(Ordering::SeqCst) && to_client.write_all(chunk).is_ok());
        let _ = (from_server.shutdown(Shutdown::Both), to_client.shutdown(Shutdown::Both));
    });
}

fn each_chunk(from: &mut TcpStream, mut take: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !take(&buffer[..length]) {
            return;
        }
    }
}
