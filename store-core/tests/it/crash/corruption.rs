//! Stored bytes of a log that change: it is told, or harmless, and never are records wrong.

use std::collections::BTreeMap;

use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::{Choice, Random, SimVfs};
use worldstore_core::vfs::{File, Folder, Vfs};
use worldstore_core::wal::format::{FRAME_BYTES, HEADER_BYTES, frame_bytes};
use worldstore_core::wal::{RecordKind, Threads, Wal, WalOptions, WalReader, salvage};

use super::{number, report};

const LOG: &str = "log";

/// Damages of the tests, where the environment asks for as many images as are usual.
const DAMAGES: u64 = 2_000;

fn options() -> WalOptions {
    WalOptions::new().with_segment_bytes(4096).with_threads(Threads::None)
}

/// A log with what stands in it, byte by byte.
struct Sound {
    vfs: SimVfs,
    records: BTreeMap<u64, Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    regions: Vec<Region>,
    /// Where each record begins: file and offset.
    places: BTreeMap<u64, (String, usize)>,
}

/// Bytes of a kind in a file.
struct Region {
    class: &'static str,
    file: String,
    from: usize,
    to: usize,
}

/// Several lives of a log; closed at the end, or not.
fn sound(seed: u64) -> Sound {
    let (mut random, vfs) = (Random::new(seed), SimVfs::new());
    let mut records = BTreeMap::new();
    for _ in 0..1 + random.below(3) {
        let (wal, _) = Wal::open(&vfs, LOG, options()).unwrap();
        for _ in 0..random.below(12) {
            let most = if random.chance(10) { 6000 } else { 700 };
            let length = random.index(most);
            let payload = random.bytes(length);
            records.insert(wal.append_durable(RecordKind::DATA, payload.clone()).unwrap(), payload);
        }
        if random.chance(30) {
            wal.trim(wal.durable() / 2).unwrap();
            let first = wal.first();
            records.retain(|seq, _| *seq >= first);
        }
        if random.chance(50) {
            wal.close().unwrap();
        }
        if random.chance(20) {
            std::mem::forget(wal);
            break;
        }
    }
    // The last life may have ended without a word.
    let vfs = vfs.image(Choice::Nothing).vfs;
    let files = files(&vfs);
    let mut sound = Sound { vfs, records, files: files.clone(), regions: Vec::new(), places: BTreeMap::new() };
    for (name, bytes) in &files {
        sound.survey(name, bytes);
    }
    sound
}

fn files(vfs: &SimVfs) -> BTreeMap<String, Vec<u8>> {
    let folder = vfs.root().unwrap().open_folder(LOG).unwrap();
    let mut all = BTreeMap::new();
    for entry in folder.list().unwrap() {
        let file = folder.open(&entry.name).unwrap();
        let mut bytes = vec![0; file.stat().unwrap().length as usize];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
        all.insert(entry.name, bytes);
    }
    all
}

impl Sound {
    /// Notes the regions of a file.
    fn survey(&mut self, name: &str, bytes: &[u8]) {
        if !name.ends_with(".wal") {
            self.region("epoch file", name, 0, bytes.len());
            return;
        }
        let header = [("magic", 8), ("version", 4), ("header bytes", 4), ("log", 16), ("segment", 8), ("first", 8)];
        let header = header.into_iter().chain([("epoch", 8), ("zero", 4), ("header crc", 4)]);
        let mut at = 0;
        for (class, length) in header {
            self.region(class, name, at, at + length);
            at += length;
        }
        assert_eq!(at, HEADER_BYTES);
        while let Some(head) = bytes.get(at..at + FRAME_BYTES).filter(|head| head[8] != 0) {
            let payload = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
            if head[8] < 128 {
                self.places.insert(u64::from_le_bytes(head[16..24].try_into().unwrap()), (name.to_owned(), at));
            }
            let fields = [("length", 4), ("crc", 4), ("kind", 1), ("frame zero", 7), ("seq", 8), ("frame epoch", 8)];
            let end = at + frame_bytes(payload);
            for (class, length) in fields {
                self.region(class, name, at, at + length);
                at += length;
            }
            self.region("payload", name, at, at + payload);
            self.region("padding", name, at + payload, end);
            at = end;
        }
        self.region("tail", name, at, bytes.len());
    }

    fn region(&mut self, class: &'static str, file: &str, from: usize, to: usize) {
        if from < to {
            self.regions.push(Region { class, file: file.to_owned(), from, to });
        }
    }

    /// Damages a region, each class as often as the others. None if the bytes are as before.
    fn damage(&self, random: &mut Random) -> Option<(&'static str, String, Vec<u8>)> {
        let mut classes: Vec<&str> = self.regions.iter().map(|region| region.class).collect();
        classes.sort_unstable();
        classes.dedup();
        let class = classes[random.index(classes.len())];
        let regions: Vec<&Region> = self.regions.iter().filter(|region| region.class == class).collect();
        let region = regions[random.index(regions.len())];
        let before = &self.files[&region.file];
        let mut bytes = before.clone();
        let from = region.from + random.index(region.to - region.from);
        let to = from + 1 + random.index(region.to - from);
        match random.below(7) {
            0 | 1 => bytes[from] ^= 1 << random.below(8),
            2 => bytes[from..to].fill(0),
            3 => bytes[from..to].fill(0xff),
            4 => bytes[from..to].copy_from_slice(&random.bytes(to - from)),
            5 => bytes.truncate(from),
            // What stands elsewhere in the file, as a disk may write it to a wrong place.
            _ => {
                let length = (to - from).max(FRAME_BYTES).min(before.len() - from);
                let source = random.index((before.len() - length) / 8 + 1) * 8;
                bytes[from..from + length].copy_from_slice(&before[source..source + length]);
            }
        }
        (bytes != *before).then(|| (region.class, region.file.clone(), bytes))
    }

    /// True if nothing is left of the records from one on: their bytes are as if they had never been written, which
    /// nobody can tell from that.
    fn looks_unwritten(&self, seq: u64, file: &str, bytes: &[u8]) -> bool {
        self.places.range(seq..).all(|(_, (name, _))| name == file)
            && self.places.get(&seq).is_some_and(|(_, at)| bytes.iter().skip(*at).all(|byte| *byte == 0))
    }
}

/// What became of damage.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Verdict {
    Refused,
    Cut,
    Harmless,
    Unwritten,
}

/// Opens the damaged log in every way. Panics where a record is wrong, or gone without a word.
fn judge(sound: &Sound, file: &str, bytes: &[u8]) -> Verdict {
    let vfs = sound.vfs.image(Choice::Everything).vfs;
    let folder = vfs.root().unwrap().open_folder(LOG).unwrap();
    let damaged = folder.open_writable(file).unwrap();
    damaged.set_length(0).unwrap();
    damaged.write_all_at(bytes, 0).unwrap();
    drop((folder, damaged));
    read_only(sound, &vfs);
    rescued(sound, &vfs);
    let (wal, recovery) = match Wal::open(&vfs, LOG, options()) {
        Ok(opened) => opened,
        Err(error) => {
            let told = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported);
            assert!(told, "damage is not told as such: {error}");
            return Verdict::Refused;
        }
    };
    let first = wal.first();
    let found: BTreeMap<u64, Vec<u8>> = wal
        .replay(first - 1)
        .unwrap()
        .map(Result::unwrap)
        .map(|record| (record.seq, record.payload.to_vec()))
        .collect();
    let last = found.last_key_value().map_or(first - 1, |(seq, _)| *seq);
    assert!(sound.records.range(..=last).eq(&found), "records are not those that were written");
    let next = wal.append_durable(RecordKind::DATA, "next").unwrap();
    assert_eq!(next, last + 1);
    match sound.records.range(last + 1..).next() {
        None => Verdict::Harmless,
        Some(_) if recovery.cut.is_some() => Verdict::Cut,
        Some((seq, _)) => {
            assert!(sound.looks_unwritten(*seq, file, bytes), "records from {seq} on are gone without a word");
            Verdict::Unwritten
        }
    }
}

/// A reader gives right records, and then perhaps an error.
fn read_only(sound: &Sound, vfs: &SimVfs) {
    let Ok(reader) = WalReader::open(vfs, LOG) else { return };
    let _ = reader.verify();
    let Some((first, _)) = sound.records.first_key_value() else { return };
    let Ok(replay) = reader.replay(first - 1) else { return };
    for record in replay.map_while(Result::ok) {
        assert_eq!(sound.records.get(&record.seq), Some(&record.payload.to_vec()), "of the reader");
    }
}

/// A salvage copies right records only, and says what is missing between them.
fn rescued(sound: &Sound, vfs: &SimVfs) {
    let target = SimVfs::new();
    let Ok(report) = salvage(vfs, LOG, &target, "copy") else { return };
    let Some(range) = &report.records else { return };
    let (wal, _) = Wal::open(&target, "copy", options()).unwrap();
    let copied: Vec<_> = wal.replay(wal.first() - 1).unwrap().map(Result::unwrap).collect();
    for record in &copied {
        assert_eq!(sound.records.get(&record.seq), Some(&record.payload.to_vec()), "of a salvage");
    }
    let lost: u64 = report.lost.iter().map(|lost| lost.end() + 1 - lost.start()).sum();
    assert_eq!(copied.len() as u64 + lost, range.end() + 1 - range.start(), "{report:?}");
}

#[test]
fn damage_is_told_or_harmless() {
    let (damages, seed) =
        (number("WORLDSTORE_CRASH_IMAGES", 50_000) * DAMAGES / 50_000, number("WORLDSTORE_CRASH_SEED", 1));
    let mut random = Random::new(seed);
    let mut seen: BTreeMap<Verdict, u64> = BTreeMap::new();
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut done = 0;
    while done < damages.max(100) {
        let log = random.number();
        let sound = sound(log);
        for damage in 0..60_u64 {
            let mut chance = Random::of(log, &[damage]);
            let Some((class, file, bytes)) = sound.damage(&mut chance) else { continue };
            let outcome = std::panic::catch_unwind(|| judge(&sound, &file, &bytes));
            let verdict =
                outcome.unwrap_or_else(|_| panic!("seed {seed}, log {log}, damage {damage}: {class} of {file}"));
            *seen.entry(verdict).or_default() += 1;
            *classes.entry(class).or_default() += 1;
            done += 1;
        }
    }
    let count = |verdict| seen.get(&verdict).copied().unwrap_or(0);
    let (refused, cut, harmless) = (count(Verdict::Refused), count(Verdict::Cut), count(Verdict::Harmless));
    assert!(refused > 0 && cut > 0 && harmless > 0 && classes.len() == 19, "{seen:?} {classes:?}");
    let figures = [("damages", done), ("refused", refused), ("cut", cut), ("harmless", harmless)];
    report("crash::corruption", &figures);
    eprintln!("{seen:?} {classes:?}");
}
