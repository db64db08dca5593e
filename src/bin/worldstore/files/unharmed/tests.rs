//! What panics is an error, once, and nobody else is made silent.

use std::sync::Mutex;
use std::thread;

use super::*;

/// What panics said, and whether their threads were to be quiet.
static HEARD: Mutex<Vec<(String, bool)>> = Mutex::new(Vec::new());

fn heard(text: &str) -> Vec<bool> {
    let heard = HEARD.lock().unwrap();
    heard.iter().filter(|(said, _)| said.contains(text)).map(|(_, is_quiet)| *is_quiet).collect()
}

#[test]
fn a_panic_is_an_error_and_the_end() {
    let batches = [Some(1), None, Some(2)].into_iter().map(|batch: Option<i32>| Ok(batch.unwrap()));
    let read: Vec<Result<i32, ArrowError>> = Unharmed(Some(batches)).collect();
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(matches!((&read[0], &read[1]), (Ok(1), Err(ArrowError::ParseError(_)))), "{read:?}");
    let error = unharmed(|| -> Result<(), ArrowError> { panic!("range 3 of 2") }).unwrap_err();
    assert!(error.to_string().contains("range 3 of 2"), "{error}");
}

#[test]
fn a_panic_of_another_thread_is_heard_meanwhile() {
    unharmed(|| Ok(())).unwrap();
    // From now on nobody may change what is said of panics.
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        HEARD.lock().unwrap().push((info.to_string(), IS_QUIET.get()));
        before(info);
    }));
    let own = unharmed(|| -> Result<(), ArrowError> {
        let inner = unharmed(|| -> Result<(), ArrowError> { panic!("once within") });
        assert!(inner.is_err() && IS_QUIET.get());
        let other = thread::spawn(|| -> Result<(), ArrowError> { panic!("of another thread") });
        assert!(other.join().is_err());
        panic!("of this thread")
    });
    assert!(own.is_err());
    assert_eq!(heard("of another thread"), [false]);
    assert_eq!((heard("once within"), heard("of this thread")), (vec![true], vec![true]));
    assert!(!IS_QUIET.get());
}
