//! Tests of ports, answers and logs.

use super::*;

#[test]
fn a_free_port_is_above_those_of_the_system_and_can_be_taken() {
    let port = free_port().unwrap();
    assert!(port >= 1024);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
}

#[test]
fn another_port_is_tried_where_somebody_was_faster() {
    let tried = std::cell::RefCell::new(Vec::new());
    let outcome = on_free_port(|port| {
        tried.borrow_mut().push(port);
        // The first time the port is taken as long as the attempt is looked at.
        match tried.borrow().len() {
            1 => {
                std::mem::forget(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
                Err(Failure::new("taken"))
            }
            _ => Ok(port),
        }
    });
    let tried = tried.into_inner();
    assert_eq!((tried.len(), outcome.ok()), (2, tried.last().copied()));
}

#[test]
fn a_failure_at_a_port_that_is_free_is_not_repeated() {
    let tried = std::cell::Cell::new(0);
    let outcome = on_free_port(|_| {
        tried.set(tried.get() + 1);
        Err::<(), _>(Failure::new("broken"))
    });
    assert_eq!((tried.get(), outcome.map_err(|failure| failure.to_string())), (1, Err("broken".to_owned())));
}

#[test]
fn an_answer_counts_when_it_starts_as_expected() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        for answer in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 503 Not yet\r\n", ""] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 64];
            let length = stream.read(&mut question).unwrap();
            assert!(question[..length].starts_with(b"GET /x HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let answered: Vec<bool> = (0..3).map(|_| answers_http(port, "/x", 200)).collect();
    server.join().unwrap();
    assert_eq!(answered, [true, false, false]);
    assert!(!answers(port, b"", b"any"), "nobody listens any more");
}

#[test]
fn the_port_of_a_log_is_that_of_a_whole_address() {
    assert_eq!(port_in("starting on 127.0.0.1:0\nlistens on http://127.0.0.1:40915\n"), Some(40915));
    assert_eq!(port_in("http://127.0.0.1:409"), None, "more digits may come");
    assert_eq!(port_in("http://127.0.0.1:0\n"), None);
    assert_eq!(port_in("http://127.0.0.1:70000\n"), None);
    assert_eq!(port_in(""), None);
}

#[test]
fn secrets_differ_and_have_32_digits() {
    let (one, other) = (secret().unwrap(), secret().unwrap());
    assert_ne!(one, other);
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn the_end_of_a_log_is_at_most_30_lines() {
    let log: String = (0..100).map(|number| format!("{number}\n")).collect();
    let end = tail(&log);
    assert_eq!((end.lines().count(), end.lines().next(), end.lines().last()), (30, Some("70"), Some("99")));
    assert_eq!(tail("one\ntwo"), "one\ntwo");
    assert_eq!(tail(""), "");
}
