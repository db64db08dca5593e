//! Every check over its corpus: what the fuzzer has found once is tried for ever.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn corpora_break_no_promise() {
    for (target, check) in worldstore_fuzz::TARGETS {
        let folder = corpora().join(target);
        let inputs = names(&folder);
        assert!(inputs.len() >= 5, "{target} has a corpus of {} inputs", inputs.len());
        for input in inputs {
            let bytes = std::fs::read(folder.join(&input)).unwrap();
            println!("{target}/{input}");
            check(&bytes);
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let targets: BTreeSet<String> = worldstore_fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/targets");
    let programs = names(&programs).iter().map(|name| name.strip_suffix(".rs").unwrap().to_owned()).collect();
    for mut there in [programs, names(&corpora())] {
        if !cfg!(feature = "graph") {
            assert!(there.remove("binder"));
        }
        assert_eq!(there, targets);
    }
}
