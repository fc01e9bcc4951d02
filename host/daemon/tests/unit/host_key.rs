//! The key of a host: made once, never wider than its owner's, and replaced only by a word on record.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use countersign_audit::record::Header;
use countersign_audit::{Believed, FaultCode, Record, VerifyError};
use countersign_model::DigestKey;
use countersign_store::{AuditLog, Commit, Store as _, Stored as _};

use super::*;

/// Opens the store, writes a record, and signs.
fn sign(state: &Path, key: &SecretKey) {
    let path = crate::store_of(state);
    let mut store = SqliteStore::open(&path).unwrap();
    let expected = store.head().unwrap();
    if expected.records() == 0 {
        let records = [Record::Header(Header::new("0.1.0", &DigestKey::public()))];
        store.commit(Commit { records: &records, ..Commit::empty(expected) }).unwrap();
    }
    let keeper = LogKeeper::open(&path, store.epoch()).unwrap();
    let growing = Growing::read(keeper.reader()).unwrap();
    let checkpoint = growing.sign(keeper.reader(), Says::default(), Timestamp(1), (key, None), &mut || {}).unwrap();
    keeper.put(&checkpoint).unwrap();
}

fn verify(state: &Path, keys: &[PublicKey]) -> Result<PublicKey, Vec<FaultCode>> {
    let log = AuditLog::open(&crate::store_of(state)).unwrap();
    match log.verify_signed(log.lines().unwrap(), None, &Believed { keys: keys.to_vec(), ..Believed::default() }) {
        Ok(found) => Ok(found.signed.unwrap().key),
        Err(VerifyError::Faults(faults)) => Err(faults.iter().map(|fault| fault.code).collect()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_key_is_made_once_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let made = HostKey::open(state, None).unwrap().key.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&key_of(state)), 0o600);
    assert_eq!(fs::read_to_string(public_key_of(state)).unwrap().trim(), made.public().to_string());
    let again = HostKey::open(state, Some(made.public())).unwrap();
    assert_eq!((again.key.unwrap().public(), again.problem), (made.public(), None));
    for wide in [0o640, 0o604] {
        fs::set_permissions(key_of(state), Permissions::from_mode(wide)).unwrap();
        let error = HostKey::open(state, None).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_key_that_is_lost_or_another_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let key = HostKey::open(state, None).unwrap().key.unwrap();
    fs::remove_file(key_of(state)).unwrap();
    let lost = HostKey::open(state, Some(key.public())).unwrap();
    assert!(lost.key.is_none() && lost.problem.unwrap().contains("got none"));
    assert!(!key_of(state).exists(), "none is made in its place");
    SecretKey::generate().unwrap().create(&key_of(state)).unwrap();
    let other = HostKey::open(state, Some(key.public())).unwrap();
    assert!(other.key.is_none() && other.problem.unwrap().contains("countersign audit rekey"));
}

#[test]
fn a_key_is_replaced_by_a_word_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let first = HostKey::open(state, None).unwrap().key.unwrap();
    assert!(matches!(rekey(state, None, Timestamp(2)), Err(HostKeyError::NothingSigned)));
    sign(state, &first);
    // The one before is there, and vouches.
    let second = rekey(state, None, Timestamp(2)).unwrap();
    assert_eq!(verify(state, &[first.public()]), Ok(second));
    assert_eq!(SecretKey::read(&key_of(state)).unwrap().public(), second);
    assert!(state.join("host.key.old").exists() && !state.join("host.key.new").exists());
    assert!(matches!(rekey(state, None, Timestamp(3)), Err(HostKeyError::InTheWay(_))));
    sign(state, &SecretKey::read(&key_of(state)).unwrap());
    // Lost: nobody vouches for the next.
    fs::remove_file(key_of(state)).unwrap();
    let third = rekey(state, None, Timestamp(4)).unwrap();
    assert_eq!(verify(state, &[first.public()]), Err(vec![FaultCode::ForeignKey]));
    assert_eq!(verify(state, &[first.public(), third]), Ok(third));
    assert_eq!(verify(state, &[]), Ok(third));
}

#[test]
fn a_change_that_was_interrupted_is_finished_and_not_turned_round() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let first = HostKey::open(state, None).unwrap().key.unwrap();
    sign(state, &first);
    let second = rekey(state, None, Timestamp(2)).unwrap();
    let (key, next, kept) = (key_of(state), state.join("host.key.new"), state.join("host.key.old"));
    // As before the last step, and as before both.
    fs::rename(&key, &next).unwrap();
    assert_eq!(rekey(state, None, Timestamp(3)).unwrap(), second);
    fs::rename(&key, &next).unwrap();
    fs::rename(&kept, &key).unwrap();
    assert_eq!(rekey(state, None, Timestamp(3)).unwrap(), second);
    assert_eq!(SecretKey::read(&key).unwrap().public(), second);
    assert_eq!(SecretKey::read(&kept).unwrap().public(), first.public());
    assert!(!next.exists());
    assert_eq!(verify(state, &[first.public()]), Ok(second));
}

#[test]
fn the_public_half_is_written_only_where_it_is_another() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let key = HostKey::open(state, None).unwrap().key.unwrap();
    let path = public_key_of(state);
    let inode = || fs::metadata(&path).unwrap().ino();
    let made = inode();
    HostKey::open(state, None).unwrap();
    assert_eq!(inode(), made);
    fs::write(&path, "another\n").unwrap();
    HostKey::open(state, None).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), key.public().to_string());
}
