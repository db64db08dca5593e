//! Streams as iterators: fetched ahead, or one by one.

use futures::stream::{BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use worldstore_core::Result;

use super::wait::{refuse_async, wait};
use super::{Bridge, lost};

/// The items of a stream that a runtime drives ahead of the reader.
pub(crate) struct Ahead<Item> {
    items: mpsc::Receiver<Result<Item>>,
    /// None once it has ended.
    pump: Option<JoinHandle<()>>,
    _bridge: Bridge,
}

impl<Item> Ahead<Item> {
    pub(super) fn new(items: mpsc::Receiver<Result<Item>>, pump: JoinHandle<()>, bridge: Bridge) -> Self {
        Self { items, pump: Some(pump), _bridge: bridge }
    }

    fn stop(&mut self) {
        if let Some(pump) = self.pump.take() {
            pump.abort();
        }
    }
}

impl<Item> Iterator for Ahead<Item> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pump.as_ref()?;
        if let Err(error) = refuse_async() {
            self.stop();
            return Some(Err(error));
        }
        match wait(self.items.recv()) {
            Some(Ok(item)) => Some(Ok(item)),
            Some(Err(error)) => {
                self.stop();
                Some(Err(error))
            }
            // Without a look at how it ended, a lost producer would pass for the end of the object.
            None => wait(self.pump.take()?).err().map(|source| Err(lost(source))),
        }
    }
}

impl<Item> Drop for Ahead<Item> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The items of a stream, each of them made when it is asked for. After an error it ends.
pub struct Pulled<Item> {
    /// None once it has ended.
    stream: Option<BoxStream<'static, Result<Item>>>,
    bridge: Bridge,
}

impl<Item> Pulled<Item> {
    pub(super) fn new(stream: BoxStream<'static, Result<Item>>, bridge: Bridge) -> Self {
        Self { stream: Some(stream), bridge }
    }
}

impl<Item: Send + 'static> Iterator for Pulled<Item> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut stream = self.stream.take()?;
        let fetch = async move {
            let item = stream.next().await;
            Ok((item, stream))
        };
        match self.bridge.run(fetch) {
            Ok((Some(Ok(item)), stream)) => {
                self.stream = Some(stream);
                Some(Ok(item))
            }
            Ok((end, stream)) => {
                self.bridge.discard(stream);
                end
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl<Item> Drop for Pulled<Item> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.bridge.discard(stream);
        }
    }
}
