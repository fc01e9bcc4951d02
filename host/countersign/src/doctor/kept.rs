//! What the host keeps: both databases, the audit log, its key, and how they fit together.

use std::path::Path;

use countersign_audit::{Believed, VerifyError};
use countersign_configuration::Configuration;
use countersign_daemon::{key_of, public_key_of, recorder_of, signed_of, store_of};
use countersign_model::Timestamp;
use countersign_recorder::RecorderReader;
use countersign_session::Standing;
use countersign_signing::{Checkpoint, Envelope, KeyFileError, PublicKey, SecretKey};
use countersign_store::{AuditLog, SqliteReader, SqliteStore, VerifiedLog};

use super::{Findings, machine};
use crate::files;
use crate::text;

/// A clock may be behind what is on record by so much, microseconds.
const BEHIND: i64 = 60 * 1_000_000;

/// Less room on a disk is too little, whatever the recorder may grow to, bytes.
const LEAST: u64 = 256 << 20;

/// A log is signed every minute while it grows: this long after is too long, microseconds.
const UNSIGNED: i64 = 3_600 * 1_000_000;

/// Maximum bytes of a public key's file.
const MAX_PUBLIC: u64 = 256;

const RESTORE: &str = "stop the host, keep the folder, and `countersign restore` the last backup";

pub(super) fn look(configuration: &Configuration, now: Timestamp, found: &mut Findings) {
    let state = &configuration.state.value;
    let (store, recorder) = (store_of(state), recorder_of(state));
    let bytes = [&store, &recorder].iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
    room(state, bytes, configuration, found);
    if !store.exists() && !recorder.exists() {
        return found.care("store", "no host has run here yet", "start one with `countersign run`");
    }
    let open = SqliteStore::read(&store).map_err(|error| error.to_string());
    let faults =
        open.as_ref().map_err(Clone::clone).and_then(|one| one.quick_check().map_err(|error| error.to_string()));
    let store_is_whole = whole("store", &store, faults, found);
    let opened = RecorderReader::open(&recorder).map_err(|error| error.to_string());
    let faults =
        opened.as_ref().map_err(Clone::clone).and_then(|one| one.quick_check().map_err(|error| error.to_string()));
    whole("recorder", &recorder, faults, found);
    if let Ok(recorder) = &opened {
        clock(recorder, now, found);
    }
    let Ok(reader) = open else { return };
    if let Ok(recorder) = &opened {
        together(&reader, recorder, found);
    }
    if store_is_whole {
        log(state, &store, found);
    }
    key(state, &reader, now, found);
}

/// Looks whether the disk has room for what may still come.
fn room(state: &Path, bytes: u64, configuration: &Configuration, found: &mut Findings) {
    let free = match machine::free(state) {
        Ok(free) => free,
        Err(error) => return found.care("free space", error, "it can't be found out as this user"),
    };
    let most = configuration.recorder.max_bytes.value;
    let shown = format!("{} free, {} used", text::size(free), text::size(bytes));
    if free < LEAST {
        found.bad("free space", shown, "make room at once: without it nothing is recorded");
    } else if free < most.saturating_sub(bytes) {
        let advice = format!(
            "the recorder may grow to {}, and the store beside it: lower `recorder.max-bytes`, or make room",
            text::size(most)
        );
        found.care("free space", shown, &advice);
    } else {
        found.good("free space", shown);
    }
}

/// Says whether a database is whole.
fn whole(what: &'static str, path: &Path, faults: Result<Vec<String>, String>, found: &mut Findings) -> bool {
    match faults {
        Ok(faults) if faults.is_empty() => {
            found.good(what, format_args!("`{}` is whole", text::path(&path)));
            true
        }
        Ok(faults) => {
            faults.iter().for_each(|fault| found.bad(what, fault, RESTORE));
            false
        }
        Err(error) => {
            found.bad(what, error, RESTORE);
            false
        }
    }
}

/// Looks whether the recorder has what the store has yet to judge.
fn together(store: &SqliteReader, recorder: &RecorderReader, found: &mut Findings) {
    let what = "store and recorder";
    let place = Standing::read(store).map_err(|error| error.to_string());
    let extent = recorder.extent().map_err(|error| error.to_string());
    match place.and_then(|place| Ok((place.and_then(|standing| standing.place), extent?))) {
        Ok((None, _)) => found.good(what, "nothing is judged yet"),
        Ok((Some(place), extent)) if extent.has(place) => {
            let left = (extent.last + 1).saturating_sub(place.batch);
            found.good(
                what,
                format_args!("{} to be judged of {}", text::count(left, "batch"), text::number(extent.last)),
            );
        }
        Ok((Some(place), extent)) => found.bad(
            what,
            format_args!(
                "the store goes on with batch {}, the recorder has {} to {}",
                place.batch, extent.first, extent.last
            ),
            "they don't belong together: restore both of one backup",
        ),
        Err(error) => found.bad(what, error, RESTORE),
    }
}

/// Looks whether time on record is ahead of the clock.
fn clock(recorder: &RecorderReader, now: Timestamp, found: &mut Findings) {
    let Ok(extent) = recorder.extent() else { return };
    match extent.arrived {
        Some(arrived) if arrived.micros_since(now) > BEHIND => found.bad(
            "clock",
            format_args!("it is {now}, but something arrived at {arrived}"),
            "set the clock; until it has caught up, what arrives has the time of what came last",
        ),
        Some(arrived) => found.good("clock", format_args!("{now}, last arrival {arrived}")),
        None => found.good("clock", now),
    }
}

/// Verifies the audit log with its checkpoints.
fn log(state: &Path, store: &Path, found: &mut Findings) {
    let keys = public(state).into_iter().collect();
    // Of a store that was made anew nothing is signed yet.
    let judged = SqliteStore::read(store).is_ok_and(|store| matches!(Standing::read(&store), Ok(Some(_))));
    let believed = Believed { keys, saved: None, noted: signed_of(state).filter(|_| judged) };
    let log = match AuditLog::open(store) {
        Ok(log) => log,
        Err(error) => return found.bad("audit log", error, RESTORE),
    };
    let is_signed = log.store().is_some()
        && SqliteStore::read(store).is_ok_and(|store| matches!(store.last_checkpoint(), Ok(Some(_))));
    // Without a checkpoint yet there is nothing to believe.
    let believed = if is_signed { believed } else { Believed { keys: Vec::new(), ..believed } };
    let lines = match log.lines() {
        Ok(lines) => lines,
        Err(error) => return found.bad("audit log", error, RESTORE),
    };
    match log.verify_signed(lines, None, &believed) {
        Ok(VerifiedLog { first, signed, .. }) => {
            let from = if first > 0 { format!("from record {} on, ", text::number(first)) } else { String::new() };
            match signed {
                Some(signed) => {
                    found.good(
                        "audit log",
                        format_args!("verified, {from}signed up to record {}", text::number(signed.records)),
                    );
                }
                None => {
                    found.care("audit log", format_args!("verified, {from}not signed"), "`countersign run` signs it")
                }
            }
        }
        Err(VerifyError::Faults(faults)) => faults.iter().take(3).for_each(|fault| {
            found.bad(
                "audit log",
                fault,
                "`countersign audit verify` says more; keep the folder, and restore the last backup",
            );
        }),
        Err(VerifyError::Unreadable(error)) => found.bad("audit log", error, RESTORE),
    }
}

/// The public key beside the host's.
fn public(state: &Path) -> Option<PublicKey> {
    files::read_text(&public_key_of(state), MAX_PUBLIC).ok()?.trim_end().parse().ok()
}

/// Looks whether the key is there, closed to others, and the one that signed last.
fn key(state: &Path, store: &SqliteReader, now: Timestamp, found: &mut Findings) {
    const WHAT: &str = "host's key";
    let last = match store.last_checkpoint() {
        Ok(last) => last,
        Err(error) => return found.bad(WHAT, error, RESTORE),
    };
    let last = last.and_then(|last| Envelope::<Checkpoint>::verify(&last.envelope).ok());
    let signed = last.as_ref().and_then(|last| last.signers().next().copied());
    let path = key_of(state);
    let rekey = "put it back and start the host again: meanwhile it records and judges, and signs nothing. If it is lost or the \
                 change is meant, stop the host and run `countersign audit rekey`; whoever verifies with the old key needs \
                 both then, `audit verify --key OLD --key NEW`";
    match (SecretKey::read(&path), signed) {
        (Ok(key), Some(signed)) if key.public() != signed => {
            let what = format!("`{}` isn't `{signed}`, which signed last", text::path(&path));
            found.bad(WHAT, what, rekey);
        }
        (Ok(key), _) => found.good(WHAT, key.public()),
        (Err(KeyFileError::Io(error)), signed) if error.kind() == std::io::ErrorKind::NotFound => match signed {
            Some(signed) => {
                found.bad(WHAT, format_args!("`{}` isn't there; `{signed}` signed last", text::path(&path)), rekey)
            }
            None => found.care(WHAT, "there is none yet", "`countersign run` makes it"),
        },
        (Err(error), _) => {
            found.bad(
                WHAT,
                format_args!("`{}`: {error}", text::path(&path)),
                "the host doesn't start with it: mend it",
            );
        }
    }
    let records = countersign_store::Stored::head(store).map(|head| head.records()).unwrap_or_default();
    if let Some(last) = last.as_ref().map(Envelope::statement)
        && records > last.records
        && now.micros_since(last.at) > UNSIGNED
    {
        let what = format!("{} since {} aren't signed", text::count(records - last.records, "record"), last.at);
        found.care("checkpoints", what, "a host that runs signs every minute: see its log");
    }
}
