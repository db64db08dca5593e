//! Notes of compilers.

use super::*;

#[test]
fn what_was_compiled_again_counts_once_and_units_of_a_package_add_up() {
    let notes = "arrow v58.4.0 -1a 2.00\narrow v58.4.0 -1b 0.50\nbytes v1.0.0 /x/zstd.o 4.00\narrow v58.4.0 -1a 3.00\n";
    let seconds = read(notes).unwrap();
    assert_eq!(seconds, Seconds::from([("arrow v58.4.0".to_owned(), 3.5), ("bytes v1.0.0".to_owned(), 4.0)]));
    assert!(read("arrow v58.4.0 -1a\n").unwrap_err().to_string().contains("arrow v58.4.0 -1a"));
    assert!(read("arrow v58.4.0 -1a soon\n").is_err());
}

#[test]
fn a_unit_is_what_is_made_and_a_question_makes_nothing() {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(unit(&words("--crate-name a -C extra-filename=-1a --emit link")), Some("-1a".to_owned()));
    assert_eq!(unit(&words("-O2 -o /out/a.o -c a.c")), Some("/out/a.o".to_owned()));
    assert_eq!(unit(&words("-vV")), None);
    assert_eq!(unit(&words("-c a.c -o")), None);
}
