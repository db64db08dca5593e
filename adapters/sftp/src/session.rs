//! One connection: many requests in flight, each with its answer, and nothing left open behind a caller who went away.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::connect::Ssh;
use crate::durable::DurableFolders;
use crate::failure::{Answer, Failure};
use crate::remote::Limits;
use crate::wire::{self, Extensions, Parsed, Reply, Request, kind};

/// Requests of all callers together that may wait for their answers. What they carry is at most 255 KiB each.
const IN_FLIGHT_MAX: usize = 128;

/// Longer is as good as for ever, and further than the clock reaches.
const TIMEOUT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A connection with the protocol's first exchange done.
pub struct Session {
    shared: Arc<Shared>,
    timeout: Duration,
    /// The extensions that the server has told.
    pub extensions: Extensions,
    /// What the server takes in one request.
    pub limits: Limits,
    /// Folders that need no sync any more.
    pub durable: DurableFolders,
    /// The connection below; it ends when this is dropped.
    _ssh: Ssh,
}

/// What callers, handles and the two tasks of a connection have in common.
struct Shared {
    out: mpsc::UnboundedSender<Bytes>,
    next_id: AtomicU32,
    permits: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    state: Mutex<State>,
}

struct State {
    waiting: HashMap<u32, Waiting>,
    is_closed: bool,
    /// When something last came from the server.
    heard: Instant,
}

struct Waiting {
    answer: oneshot::Sender<Answer<Reply>>,
    /// Held until the answer is here, also if nobody waits for it any more.
    _permit: OwnedSemaphorePermit,
}

/// A request that was sent.
#[must_use = "an answer that nobody looks at hides a failure"]
pub struct Pending {
    answer: oneshot::Receiver<Answer<Reply>>,
}

/// An open file or folder of the server. Dropping it closes it.
pub struct Handle {
    id: Bytes,
    shared: Option<Arc<Shared>>,
}

impl Session {
    /// Exchanges versions on a channel to the server's sftp subsystem.
    pub async fn begin(ssh: Ssh, channel: Channel<Msg>, timeout: Duration) -> Answer<Arc<Self>> {
        let (mut read, write) = channel.split();
        let hello = Request::new(kind::INIT).encode(3);
        write.data_bytes(hello).await.map_err(|_| Failure::Lost)?;
        let mut input = BytesMut::new();
        let first = loop {
            if let Some(packet) = wire::take_packet(&mut input).map_err(Failure::Garbled)? {
                break packet;
            }
            match read.wait().await {
                Some(ChannelMsg::Data { data }) => input.extend_from_slice(&data),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Err(Failure::Lost),
                Some(_) => {}
            }
        };
        let (version, extensions) = wire::parse_version(first).map_err(Failure::Garbled)?;
        if version != 3 {
            return Err(Failure::Garbled("the server does not speak version 3 of the protocol"));
        }
        let (out, queue) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let state = State { waiting: HashMap::new(), is_closed: false, heard: Instant::now() };
        let permits = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let shared = Arc::new(Shared { out, next_id: AtomicU32::new(1), permits, stop, state: Mutex::new(state) });
        tokio::spawn(send_all(write, queue, stopped.clone(), Arc::clone(&shared)));
        tokio::spawn(receive_all(read, input, stopped, Arc::clone(&shared)));
        let timeout = timeout.min(TIMEOUT_MAX);
        let mut session = Self {
            shared,
            timeout,
            extensions,
            limits: Limits::default(),
            durable: DurableFolders::default(),
            _ssh: ssh,
        };
        session.limits = session.ask_limits().await?;
        Ok(Arc::new(session))
    }

    /// True if the server tells this extension in this version.
    pub fn has(&self, name: &str, version: &str) -> bool {
        self.extensions.iter().any(|(have, data)| have == name && data == version)
    }

    pub fn is_closed(&self) -> bool {
        self.shared.state().is_closed
    }

    /// Sends a request. Its answer may be waited for later: this is how several are in flight.
    pub async fn send(&self, request: Request) -> Answer<Pending> {
        let acquired = self.patiently(Arc::clone(&self.shared.permits).acquire_owned()).await;
        let permit = acquired.map_err(|_| Failure::NotSent)?.map_err(|_| Failure::NotSent)?;
        let (sender, answer) = oneshot::channel();
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        {
            let mut state = self.shared.state();
            if state.is_closed {
                return Err(Failure::NotSent);
            }
            state.waiting.insert(id, Waiting { answer: sender, _permit: permit });
        }
        self.shared.out.send(request.encode(id)).map_err(|_| Failure::NotSent)?;
        Ok(Pending { answer })
    }

    /// Waits for an answer. A status other than OK is a failure.
    pub async fn answer(&self, pending: Pending) -> Answer<Reply> {
        let reply = self.patiently(pending.answer).await?.map_err(|_| Failure::Lost)??;
        match reply {
            Reply::Status { code, message } if code != wire::status::OK => Err(Failure::Status { code, message }),
            reply => Ok(reply),
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn request(&self, request: Request) -> Answer<Reply> {
        let pending = self.send(request).await?;
        self.answer(pending).await
    }

    /// Sends a request whose answer nobody needs: cleaning up behind a caller who went away.
    pub fn post(&self, request: Request) {
        self.shared.post(request);
    }

    /// Gives the connection up: whoever waits gets nothing any more.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Waits as long as the server sends anything at all within the timeout; a server that is silent is given up.
    async fn patiently<F: Future>(&self, future: F) -> Answer<F::Output> {
        tokio::pin!(future);
        let begun = Instant::now();
        loop {
            let deadline = self.shared.heard().max(begun) + self.timeout;
            if let Ok(output) = timeout_at(deadline, future.as_mut()).await {
                return Ok(output);
            }
            if self.shared.heard().max(begun) + self.timeout <= Instant::now() {
                self.shared.close();
                return Err(Failure::Timeout);
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An empty packet says goodbye once everything before it is sent.
        if self.shared.out.send(Bytes::new()).is_err() {
            self.shared.close();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under this lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> Instant {
        self.state().heard
    }

    fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.is_closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.permits.close();
        self.stop.send_replace(true);
        // Outside of the lock: what is dropped here may be handles, which post.
        drop(waiting);
    }

    fn post(&self, request: Request) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        // If the connection is gone, so is what was to be cleaned up, or it is swept later.
        let _ = self.out.send(request.encode(id));
    }

    /// Hands an answer to whoever waits for it.
    fn deliver(self: &Arc<Self>, packet: Bytes) -> Result<(), &'static str> {
        let (id, parsed) = wire::parse(packet)?;
        let reply = match parsed {
            Parsed::Status { code, message } => Reply::Status { code, message },
            Parsed::Handle(id) => Reply::Handle(Handle { id, shared: Some(Arc::clone(self)) }),
            Parsed::Data(data) => Reply::Data(data),
            Parsed::Names(names) => Reply::Names(names),
            Parsed::Attrs(attrs) => Reply::Attrs(attrs),
            Parsed::Extended(data) => Reply::Extended(data),
        };
        let waiting = self.state().waiting.remove(&id);
        if let Some(waiting) = waiting {
            // Nobody may want it any more; a handle is closed by being dropped.
            let _ = waiting.answer.send(Ok(reply));
        }
        Ok(())
    }
}

impl Handle {
    /// The bytes by which the server knows it.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Forgets it without closing it, because its closing is asked for by hand.
    pub fn disarm(&mut self) {
        self.shared = None;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.post(Request::new(kind::CLOSE).bytes(&self.id));
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.id).finish()
    }
}

async fn send_all(
    write: ChannelWriteHalf<Msg>,
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    mut stopped: watch::Receiver<bool>,
    shared: Arc<Shared>,
) {
    let sending = async {
        while let Some(packet) = queue.recv().await {
            // Goodbye, behind everything that was posted before.
            if packet.is_empty() || write.data_bytes(packet).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = sending => shared.close(),
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn receive_all(
    mut read: ChannelReadHalf,
    mut input: BytesMut,
    mut stopped: watch::Receiver<bool>,
    shared: Arc<Shared>,
) {
    let receiving = async {
        loop {
            match read.wait().await {
                Some(ChannelMsg::Data { data }) => input.extend_from_slice(&data),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Ok(()),
                Some(_) => continue,
            }
            shared.state().heard = Instant::now();
            while let Some(packet) = wire::take_packet(&mut input)? {
                shared.deliver(packet)?;
            }
        }
    };
    let ended: Result<(), &'static str> = tokio::select! {
        ended = receiving => ended,
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
    };
    if let Err(what) = ended {
        let waiting = std::mem::take(&mut shared.state().waiting);
        for waiting in waiting.into_values() {
            let _ = waiting.answer.send(Err(Failure::Garbled(what)));
        }
    }
    shared.close();
}
