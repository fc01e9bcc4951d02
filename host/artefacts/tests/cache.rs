//! The cache from outside: what is written comes back, and what was tampered with doesn't.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_artefacts::{Cache, Entry, Lookup, Name};
use countersign_model::Digest;
use tempfile::TempDir;

fn name(code: &str) -> Name {
    Name::new(Digest::of(code.as_bytes()), Digest::of(b"compiler"), &[b"checks"])
}

/// A directory for a cache, which the cache creates.
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

    fn with_room_for(&self, max_bytes: u64) -> Cache {
        Cache::open(&self.path(), max_bytes).unwrap()
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
fn look_up(cache: &Cache, code: &str) -> Entry {
    match cache.get(&name(code)) {
        Lookup::Entry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(cache: &Cache, code: &str) -> String {
    match cache.get(&name(code)) {
        Lookup::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn stored_code_comes_back_from_its_first_byte() {
    let place = Place::new();
    assert!(matches!(place.cache().get(&name("a")), Lookup::Missing));
    for content in [&[][..], b"content", &[7; 200_000]] {
        place.cache().put(&name("a"), content).unwrap();
        // Another process would see the same.
        let entry = look_up(&place.cache(), "a");
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
        // And is removed: the next lookup finds nothing.
        assert!(matches!(cache.get(&name("a")), Lookup::Missing));
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
fn an_entry_under_another_name_is_refused() {
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
    let (own, other) = (Place::new(), Place::new());
    for place in [&own, &other] {
        place.cache().put(&name("a"), b"code").unwrap();
    }
    fs::copy(&other.entries()[0], own.path().join("copy")).unwrap();
    fs::rename(own.path().join("copy"), &own.entries()[0]).unwrap();
    assert!(refused(&own.cache(), "a").contains("MAC is wrong"));
    assert_ne!(name("a"), Name::new(Digest::of(b"a"), Digest::of(b"another compiler"), &[b"checks"]));
    let checked = |checks: &[&[u8]]| Name::new(Digest::of(b"a"), Digest::of(b"compiler"), checks);
    assert_ne!(name("a"), checked(&[]));
    assert_ne!(checked(&[b"ab", b"c"]), checked(&[b"a", b"bc"]));
}

#[test]
fn a_link_a_pipe_or_another_users_file_is_refused_without_blocking() {
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
    assert!(refused(&cache, "a").contains("isn't a regular file"));

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
fn a_file_that_is_changed_after_the_check_is_detected() {
    let place = Place::new();
    let cache = place.cache();
    cache.put(&name("a"), b"code").unwrap();
    let entry = look_up(&cache, "a");
    let path = place.entries().remove(0);
    let times = fs::metadata(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    overwrite(&path, &bytes);
    // Even with its modification time reset.
    File::open(&path).unwrap().set_modified(times.modified().unwrap()).unwrap();
    assert!(!entry.is_unchanged());
    // An open entry doesn't change when it is replaced by another.
    cache.put(&name("a"), b"code").unwrap();
    let entry = look_up(&cache, "a");
    cache.put(&name("a"), b"other").unwrap();
    assert_eq!(&fs::read(entry.path()).unwrap()[..4], b"code");
}

#[test]
fn the_least_recently_used_entries_are_evicted() {
    let place = Place::new();
    let cache = place.with_room_for(4 * (1_000 + 32));
    let age = |code: &str, hours: u64| {
        let entry = look_up(&cache, code);
        let then = SystemTime::now() - Duration::from_secs(hours * 3_600);
        File::open(entry.path()).unwrap().set_modified(then).unwrap();
    };
    for (code, hours) in [("a", 9), ("b", 8), ("c", 7), ("d", 6)] {
        cache.put(&name(code), &[0; 1_000]).unwrap();
        age(code, hours);
    }
    look_up(&cache, "a").note_use();
    cache.put(&name("e"), &[0; 1_000]).unwrap();
    assert!(matches!(cache.get(&name("b")), Lookup::Missing));
    for code in ["a", "c", "d", "e"] {
        look_up(&cache, code);
    }
    // Content that is too large for the whole cache evicts nothing.
    cache.put(&name("f"), &[0; 5_000]).unwrap();
    assert!(matches!(cache.get(&name("f")), Lookup::Missing));
    look_up(&cache, "a");
}

#[test]
fn abandoned_temporary_files_are_removed() {
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
fn concurrent_use_does_no_harm() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for worker in 0..4_usize {
            let place = &place;
            scope.spawn(move || {
                // As another process would: each opens the cache itself, with room for only some of the entries.
                let cache = place.with_room_for(4 * 3_000);
                for turn in 0..30 {
                    let code = format!("{}", (worker + turn) % 6);
                    match cache.get(&name(&code)) {
                        Lookup::Entry(entry) => {
                            assert_eq!(fs::read(entry.path()).unwrap()[..2_000], [code.as_bytes()[0]; 2_000])
                        }
                        Lookup::Missing => cache.put(&name(&code), &[code.as_bytes()[0]; 2_000]).unwrap(),
                        Lookup::Refused(why) => panic!("{why}"),
                    }
                }
            });
        }
    });
    assert!(place.entries().iter().all(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("tmp-")));
}
