//! The cache from outside: what is written comes back, and what somebody laid hands on doesn't.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_artefacts::{Cache, Entry, Found, Name};
use countersign_model::Digest;
use tempfile::TempDir;

fn name(of: &str) -> Name {
    Name::new(Digest::of(of.as_bytes()), Digest::of(b"compiler"), &[b"checks"])
}

/// A directory for a cache, which makes it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn cache(&self) -> Cache {
        self.with_room_for(Cache::MAX_BYTES)
    }

    fn with_room_for(&self, most: u64) -> Cache {
        Cache::open(&self.path(), most).unwrap()
    }

    /// The files of entries, by name.
    fn entries(&self) -> Vec<PathBuf> {
        let mut entries: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap() != "key")
            .collect();
        entries.sort();
        entries
    }
}

#[track_caller]
fn found(cache: &Cache, of: &str) -> Entry {
    match cache.get(&name(of)) {
        Found::Entry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(cache: &Cache, of: &str) -> String {
    match cache.get(&name(of)) {
        Found::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_put_comes_back_from_its_first_byte() {
    let place = Place::new();
    assert!(matches!(place.cache().get(&name("a")), Found::Nothing));
    for content in [&[][..], b"content", &[7; 200_000]] {
        place.cache().put(&name("a"), content).unwrap();
        // Another process would see the same.
        let entry = found(&place.cache(), "a");
        let read = fs::read(entry.path()).unwrap();
        assert_eq!(&read[..content.len()], content);
        assert!(entry.is_unchanged());
    }
    let [entry] = &place.entries()[..] else { panic!("{:?}", place.entries()) };
    assert_eq!(fs::metadata(entry).unwrap().mode() & 0o7777, 0o400);
}

#[test]
fn every_flipped_bit_and_every_lost_byte_is_found() {
    let place = Place::new();
    let cache = place.cache();
    let content = b"some native code";
    for at in 0..(content.len() + 32) * 8 {
        cache.put(&name("a"), content).unwrap();
        let path = place.entries().remove(0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at / 8] ^= 1 << (at % 8);
        overwrite(&path, &bytes);
        assert!(refused(&cache, "a").contains("MAC is wrong"), "bit {at}");
        // And is gone: the next look finds nothing.
        assert!(matches!(cache.get(&name("a")), Found::Nothing));
    }
    for length in 0..content.len() + 32 {
        cache.put(&name("a"), content).unwrap();
        let path = place.entries().remove(0);
        let bytes = fs::read(&path).unwrap();
        overwrite(&path, &bytes[..length]);
        let why = refused(&cache, "a");
        assert!(why.contains("MAC is wrong") || why.contains("which no entry has"), "{length}: {why}");
    }
    cache.put(&name("a"), content).unwrap();
    let path = place.entries().remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    overwrite(&path, &bytes);
    assert!(refused(&cache, "a").contains("MAC is wrong"));
}

#[test]
fn an_entry_in_anothers_place_is_refused() {
    let place = Place::new();
    let cache = place.cache();
    cache.put(&name("a"), b"code of a").unwrap();
    let of_a = place.entries().remove(0);
    cache.put(&name("b"), b"code of b").unwrap();
    let of_b = place.entries().into_iter().find(|path| *path != of_a).unwrap();
    fs::rename(&of_b, &of_a).unwrap();
    let why = refused(&cache, "a");
    assert!(why.contains("MAC is wrong") && why.contains(&of_a.display().to_string()), "{why}");
}

#[test]
fn an_entry_of_another_directory_is_refused() {
    let (ours, theirs) = (Place::new(), Place::new());
    for place in [&ours, &theirs] {
        place.cache().put(&name("a"), b"code").unwrap();
    }
    fs::copy(&theirs.entries()[0], ours.path().join("copy")).unwrap();
    fs::rename(ours.path().join("copy"), &ours.entries()[0]).unwrap();
    assert!(refused(&ours.cache(), "a").contains("MAC is wrong"));
    assert_ne!(name("a"), Name::new(Digest::of(b"a"), Digest::of(b"another compiler"), &[b"checks"]));
    let checked = |checks: &[&[u8]]| Name::new(Digest::of(b"a"), Digest::of(b"compiler"), checks);
    assert_ne!(name("a"), checked(&[]));
    assert_ne!(checked(&[b"ab", b"c"]), checked(&[b"a", b"bc"]));
}

#[test]
fn what_is_no_file_of_ours_is_refused_and_not_waited_for() {
    let place = Place::new();
    let cache = place.cache();
    cache.put(&name("a"), b"code").unwrap();
    let path = place.entries().remove(0);
    let elsewhere = Place::new();
    let moved = elsewhere.0.path().join("moved");
    fs::copy(&path, &moved).unwrap();

    fs::remove_file(&path).unwrap();
    symlink(&moved, &path).unwrap();
    assert!(refused(&cache, "a").contains("is a symbolic link"));

    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    assert!(refused(&cache, "a").contains("is no plain file"));

    cache.put(&name("a"), b"code").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    assert!(refused(&cache, "a").contains("is open to others, with mode 0444"));

    cache.put(&name("a"), b"code").unwrap();
    // Only root can give a file away.
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
        assert!(refused(&cache, "a").contains("belongs to uid 12345"));
    }
}

#[test]
fn a_file_that_is_changed_after_the_check_is_noticed() {
    let place = Place::new();
    let cache = place.cache();
    cache.put(&name("a"), b"code").unwrap();
    let entry = found(&cache, "a");
    let path = place.entries().remove(0);
    let times = fs::metadata(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    overwrite(&path, &bytes);
    // Even with its times put back.
    File::open(&path).unwrap().set_modified(times.modified().unwrap()).unwrap();
    assert!(!entry.is_unchanged());
    // An entry that was merely replaced is what it was.
    cache.put(&name("a"), b"code").unwrap();
    let entry = found(&cache, "a");
    cache.put(&name("a"), b"other").unwrap();
    assert_eq!(&fs::read(entry.path()).unwrap()[..4], b"code");
}

#[test]
fn the_entries_used_longest_ago_make_room() {
    let place = Place::new();
    let cache = place.with_room_for(4 * (1_000 + 32));
    let age = |of: &str, hours: u64| {
        let entry = found(&cache, of);
        let then = SystemTime::now() - Duration::from_secs(hours * 3_600);
        File::open(entry.path()).unwrap().set_modified(then).unwrap();
    };
    for (of, hours) in [("a", 9), ("b", 8), ("c", 7), ("d", 6)] {
        cache.put(&name(of), &[0; 1_000]).unwrap();
        age(of, hours);
    }
    found(&cache, "a").note_use();
    cache.put(&name("e"), &[0; 1_000]).unwrap();
    assert!(matches!(cache.get(&name("b")), Found::Nothing));
    for of in ["a", "c", "d", "e"] {
        found(&cache, of);
    }
    // What is too large for all of it drives nobody out.
    cache.put(&name("f"), &[0; 5_000]).unwrap();
    assert!(matches!(cache.get(&name("f")), Found::Nothing));
    found(&cache, "a");
}

#[test]
fn what_was_never_finished_is_swept_away_in_time() {
    let place = Place::new();
    let cache = place.cache();
    let (old, new) = (place.path().join("tmp-old"), place.path().join("tmp-new"));
    for path in [&old, &new] {
        fs::write(path, "half an entry").unwrap();
    }
    File::open(&old).unwrap().set_modified(SystemTime::now() - Duration::from_secs(7_200)).unwrap();
    cache.put(&name("a"), b"code").unwrap();
    assert!(!old.exists() && new.exists());
}

#[test]
fn many_at_once_do_each_other_no_harm() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for worker in 0..4_usize {
            let place = &place;
            scope.spawn(move || {
                // As another process would: each has opened it for itself, with room for some of the entries only.
                let cache = place.with_room_for(4 * 3_000);
                for turn in 0..30 {
                    let of = format!("{}", (worker + turn) % 6);
                    match cache.get(&name(&of)) {
                        Found::Entry(entry) => {
                            assert_eq!(fs::read(entry.path()).unwrap()[..2_000], [of.as_bytes()[0]; 2_000])
                        }
                        Found::Nothing => cache.put(&name(&of), &[of.as_bytes()[0]; 2_000]).unwrap(),
                        Found::Refused(why) => panic!("{why}"),
                    }
                }
            });
        }
    });
    assert!(place.entries().iter().all(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("tmp-")));
}
