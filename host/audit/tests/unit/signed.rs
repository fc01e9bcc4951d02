//! Each way to change a log that has checkpoints, and what it is found out by.

use std::collections::BTreeMap;

use countersign_model::DigestKey;
use countersign_signing::SecretKey;

use super::*;
use crate::record::Header;
use crate::{Record, StandingLines, standing_digest};

/// A log of bare lines with checkpoints: three segments of two records each, and one record more.
struct Signed {
    key: SecretKey,
    links: BTreeMap<u64, Digest>,
    end: ChainWriter,
    checkpoints: Vec<Checkpoint>,
}

fn link(records: u64, salt: u8) -> Digest {
    Digest::of(&[records as u8, salt])
}

fn log(salt: u8) -> Signed {
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for segment in 1..=4_u64 {
        let records = (segment * 2).min(7);
        checkpoints.push(Checkpoint {
            segment,
            first: (segment - 1) * 2,
            records,
            link: link(records, salt),
            standing: (segment < 4).then_some(Digest([9; 32])),
            kept: 0,
            previous: checkpoints.last().map(Checkpoint::digest),
            begun: Timestamp(0),
            at: Timestamp(segment as i64),
            replaces: None,
        });
    }
    let links = (0..=7).map(|records| (records, link(records, salt))).collect();
    let key = SecretKey::generate().unwrap();
    Signed { key, links, end: ChainWriter::resume(7, link(7, salt)), checkpoints }
}

impl Signed {
    fn sign(&self, checkpoint: &Checkpoint) -> Vec<u8> {
        Envelope::sign(checkpoint.clone(), &self.key).to_bytes()
    }

    fn envelopes(&self) -> Vec<Vec<u8>> {
        self.checkpoints.iter().map(|checkpoint| self.sign(checkpoint)).collect()
    }

    fn check_from(
        &self,
        first: u64,
        envelopes: &[Vec<u8>],
        believed: &Believed,
    ) -> Result<Option<SignedUpTo>, Vec<FaultCode>> {
        let at = |records: u64| Ok(self.links.get(&records).copied());
        let log = SignedLog { first, standing: Some(Digest([9; 32])), end: self.end, link: &at, whole: true };
        let envelopes = envelopes.iter().map(Vec::as_slice);
        let faults = |faults: Vec<AuditFault>| faults.iter().map(|fault| fault.code).collect();
        check_signed(envelopes, &log, believed).unwrap().map_err(faults)
    }

    fn check(&self, envelopes: &[Vec<u8>]) -> Result<Option<SignedUpTo>, Vec<FaultCode>> {
        self.check_from(0, envelopes, &self.own())
    }

    fn own(&self) -> Believed {
        Believed { keys: vec![self.key.public()], ..Believed::default() }
    }
}

#[test]
fn a_log_is_signed_up_to_its_last_checkpoint() {
    let log = log(1);
    let signed = log.check(&log.envelopes()).unwrap().unwrap();
    assert_eq!((signed.records, signed.key, signed.segments), (7, log.key.public(), 3));
    let fewer = log.check(&log.envelopes()[..3]).unwrap().unwrap();
    assert_eq!((fewer.records, fewer.segments), (6, 3));
    assert_eq!(log.check_from(0, &[], &Believed::default()), Ok(None));
    assert_eq!(log.check(&[]), Err(vec![FaultCode::CheckpointMissing]));
}

#[test]
fn a_tail_that_was_cut_is_found_out() {
    let mut log = log(1);
    log.end = ChainWriter::resume(5, link(5, 1));
    assert_eq!(log.check(&log.envelopes()), Err(vec![FaultCode::NotAsSigned; 2]));
}

#[test]
fn a_chain_that_was_written_anew_is_found_out() {
    let (signed, other) = (log(1), log(2));
    let forged = Signed { links: other.links, end: other.end, ..signed };
    assert_eq!(forged.check(&forged.envelopes()), Err(vec![FaultCode::NotAsSigned; 4]));
    // Signed anew with another key as well.
    let own = log(3);
    let codes = own.check_from(0, &own.envelopes(), &forged.own()).unwrap_err();
    assert_eq!(codes, [FaultCode::ForeignKey; 4]);
}

#[test]
fn checkpoints_that_are_missing_moved_or_foreign_are_found_out() {
    let log = log(1);
    let all = log.envelopes();
    for without in 0..3 {
        let mut less = all.clone();
        less.remove(without);
        assert_eq!(log.check(&less), Err(vec![FaultCode::CheckpointMissing]), "{without}");
    }
    let mut moved = all.clone();
    moved.swap(1, 2);
    assert_eq!(log.check(&moved), Err(vec![FaultCode::CheckpointMissing; 3]));
    let mut damaged = all.clone();
    damaged[1][40] ^= 1;
    assert_eq!(log.check(&damaged), Err(vec![FaultCode::WrongCheckpoint, FaultCode::CheckpointMissing]));
    let mut foreign = all.clone();
    foreign[1] = Envelope::sign(log.checkpoints[1].clone(), &SecretKey::generate().unwrap()).to_bytes();
    let found = log.check(&foreign).unwrap_err();
    assert!(found.contains(&FaultCode::ForeignKey), "{found:?}");
    // Without a key, one that changes without a word is found all the same.
    let found = log.check_from(0, &foreign, &Believed::default()).unwrap_err();
    assert_eq!(found, [FaultCode::ForeignKey; 2]);
}

#[test]
fn an_older_copy_is_found_out_by_a_checkpoint_that_was_kept_elsewhere() {
    let now = log(1);
    let saved = now.sign(&now.checkpoints[3]);
    let older =
        Signed { end: ChainWriter::resume(4, link(4, 1)), checkpoints: now.checkpoints[..2].to_vec(), ..log(1) };
    let envelopes: Vec<Vec<u8>> = older.checkpoints.iter().map(|checkpoint| now.sign(checkpoint)).collect();
    assert!(older.check_from(0, &envelopes, &now.own()).is_ok());
    let believed = Believed { saved: Some(saved.clone()), ..now.own() };
    let found = older.check_from(0, &envelopes, &believed).unwrap_err();
    assert_eq!(found, [FaultCode::NotAsSigned, FaultCode::CheckpointMissing]);
    assert!(now.check_from(0, &now.envelopes(), &believed).is_ok());
    // An earlier one of the same segment, which a later one has replaced, is fine.
    let earlier = Checkpoint { records: 6, link: link(6, 1), ..now.checkpoints[3].clone() };
    let believed = Believed { saved: Some(now.sign(&earlier)), ..now.own() };
    assert!(now.check_from(0, &now.envelopes(), &believed).is_ok());
}

#[test]
fn what_was_dropped_has_to_be_signed_as_dropped() {
    let mut log = log(1);
    log.checkpoints.remove(0);
    log.links.retain(|records, _| *records >= 4);
    let without_word = log.envelopes();
    assert_eq!(log.check_from(4, &without_word, &log.own()), Err(vec![FaultCode::NotDropped]));
    log.checkpoints[2].kept = 4;
    assert_eq!(log.check_from(4, &log.envelopes(), &log.own()).unwrap().unwrap().records, 7);
    // More is gone than that.
    log.checkpoints.remove(0);
    assert_eq!(log.check_from(6, &log.envelopes(), &log.own()), Err(vec![FaultCode::NotDropped]));
    assert_eq!(
        log.check_from(5, &log.envelopes(), &log.own()),
        Err(vec![FaultCode::CheckpointMissing, FaultCode::NotDropped])
    );
}

#[test]
fn a_key_is_replaced_by_word_of_the_old_one_or_by_trusting_both() {
    let log = log(1);
    let new = SecretKey::generate().unwrap();
    let replacing = Checkpoint { replaces: Some(log.key.public()), ..log.checkpoints[3].clone() };
    let mut envelopes = log.envelopes();
    let alone = Envelope::sign(replacing, &new);
    envelopes[3] = alone.clone().also_signed_by(&log.key).unwrap().to_bytes();
    let signed = log.check(&envelopes).unwrap().unwrap();
    assert_eq!(signed.key, new.public());
    envelopes[3] = alone.to_bytes();
    assert_eq!(log.check(&envelopes), Err(vec![FaultCode::ForeignKey]));
    let both = Believed { keys: vec![log.key.public(), new.public()], ..Believed::default() };
    assert!(log.check_from(0, &envelopes, &both).is_ok());
}

#[test]
fn lines_that_stand_are_vouched_for() {
    let header = Record::Header(Header::new("0.1.0", &DigestKey::public()));
    let mut lines = StandingLines::default();
    lines.follow(0, &header);
    assert_eq!(lines.numbers().collect::<Vec<_>>(), [0]);
    assert_ne!(standing_digest([b"a".as_slice()]), standing_digest([b"b".as_slice()]));
}

#[test]
fn checkpoints_that_the_host_has_signed_and_that_are_gone_are_missed_without_any_key() {
    let log = log(1);
    let all = log.envelopes();
    let noted = |records: u64| Believed {
        noted: Some(countersign_model::SignedNote { records, key: log.key.public().to_string() }),
        ..Believed::default()
    };
    let missing = Err(vec![FaultCode::CheckpointMissing]);
    assert!(log.check_from(0, &all, &noted(7)).is_ok());
    assert_eq!(log.check_from(0, &all[..3], &noted(7)), missing);
    assert_eq!(log.check_from(0, &[], &noted(2)), missing);
    assert!(log.check_from(0, &all[..3], &noted(6)).is_ok());
}
