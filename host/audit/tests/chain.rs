//! Verification finds any change of a finished file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod common;

use common::{file, header, key, records};
use countersign_audit::record::{Header, Seal};
use countersign_audit::{
    AppendError, AuditFault, BEGINNING, ChainWriter, FaultCode, Head, MAX_LINE, ReadError, Record, VerifyError, read,
    verify,
};
use countersign_model::{Account, Digest, DigestKey};
use expect_test::expect;
use proptest::prelude::*;

fn faults(bytes: &[u8]) -> Vec<AuditFault> {
    match verify(bytes, None) {
        Ok(_) => Vec::new(),
        Err(VerifyError::Faults(faults)) => {
            assert!(!faults.is_empty());
            faults
        }
        Err(VerifyError::Unreadable(error)) => panic!("{error}"),
    }
}

/// Line and code of each fault.
fn codes(bytes: &[u8]) -> Vec<(u64, &'static str)> {
    faults(bytes).iter().map(|fault| (fault.line, fault.code.id())).collect()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn a_finished_file_verifies_and_reads_back() {
    let records = records();
    let (bytes, head) = file(&records);
    assert_eq!(verify(&*bytes, None).unwrap(), head);
    assert_eq!(verify(&*bytes, Some(head.digest)).unwrap(), head);
    assert_eq!(head, Head { records: records.len() as u64, digest: Digest::of(lines(&bytes).last().unwrap()) });
    assert!(bytes.starts_with(BEGINNING.as_bytes()));

    let mut reading = read(&*bytes);
    let mut found: Vec<Record> = reading.by_ref().map(|entry| entry.unwrap().record).collect();
    assert!(matches!(found.pop(), Some(Record::Seal(Seal { records: count, .. })) if count == head.records));
    assert_eq!(found, records);
    assert_eq!((reading.head(), reading.bytes()), (Some(head), bytes.len() as u64));
}

#[test]
fn the_file_has_this_form() {
    let (bytes, _) = file(&records());
    let shortened: String = String::from_utf8(bytes).unwrap().lines().map(|line| shorten(line) + "\n").collect();
    expect![[r#"
        {"seq":0,"link":"000000~","type":"header","format":2,"product":"countersign","version":"0.1.0","digest_key":"0f48be~","private":false}
        {"seq":1,"link":"7f4bde~","type":"generation","number":1,"position":0,"rules":[{"identity":{"id":"countersign/console-login-without-mfa","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"kind":"detection"}],"policy":"92f54f~","identities":null,"capabilities":"3cdf77~","context":[{"table":"egress","content":"8374ac~","kept":true}],"engine":"wasmtime 48.0.0","interface":"countersign:rules@0.1.0"}
        {"seq":2,"link":"a4cfc9~","type":"component","position":17,"rule":"countersign/console-login-without-mfa","component":"23d4a8~"}
        {"seq":3,"link":"75671e~","type":"finding","generation":1,"position":17,"rule":"countersign/console-login-without-mfa","index":0,"event_id":"c5e1-ü\"\\","event_time":"2023-07-10T11:42:18Z","signal_class":"sign-in","confidence":70,"severity":"high","role":"actor","account":"aws:123456789012:AIDAEXAMPLE","evidence_role":"authenticated-as","evidence":[{"event_id":"c5e1","event_time":"2023-07-10T11:42:18Z","raw":"2b4318~"}],"techniques":["T1078.004"],"context":"complete","bundle":"4dba00~"}
        {"seq":4,"link":"e1d9f3~","type":"decision","generation":1,"incident":[{"position":17,"rule":"countersign/console-login-without-mfa","index":0}],"event_id":"c5e1-ü\"\\","event_time":"2023-07-10T11:42:18Z","rule":{"id":"countersign/console-login-without-mfa","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"responses":[{"rule":{"id":"countersign/graduated-containment","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"bundle":"165fc0~"}],"decision":{"kind":"await-approval","response_rule":"countersign/graduated-containment","requested_action":"revoke-sessions","action":"revoke-sessions","subject":0,"account":"aws:123456789012:AIDAEXAMPLE","lease":3600,"confidence":70,"floor":60,"anchor":0,"reasons":[{"code":"policy-unset","action":"revoke-sessions","effect":"approval","detail":"no cell"}]},"inputs":"656bd9~"}
        {"seq":5,"link":"1bebe6~","type":"set-aside","position":18,"rule":"countersign/console-login-without-mfa","occasion":{"timer":{"id":"silence","at":"2023-07-10T11:42:18Z"}},"event_id":"c5e2","failure":"trap","message":"panicked\nat line 3"}
        {"seq":6,"link":"4f624a~","type":"quarantine","position":19,"rule":"countersign/console-login-without-mfa","failing_accounts":5,"accounts":20,"share":10,"least":5}
        {"seq":7,"link":"1565eb~","type":"not-deterministic","position":20,"rule":"countersign/console-login-without-mfa","message":"another state"}
        {"seq":8,"link":"3c2201~","type":"rule-stopped","position":21,"rule":"countersign/console-login-without-mfa","occasion":{"finding":{"rule":"countersign/burst-of-denied-calls","index":1}},"event_id":"c5e3","message":"2 s"}
        {"seq":9,"link":"7a68c7~","type":"diagnostic","position":22,"rule":"countersign/console-login-without-mfa","index":0,"level":"warning","message":"odd"}
        {"seq":10,"link":"2e7d13~","type":"dead-letter","input":0,"ordinal":23,"offset":4096,"length":12,"code":"not-json","reason":"expected a value"}
        {"seq":11,"link":"bd3cec~","type":"host-finding","position":24,"kind":"rule-quarantined","signal_class":"evasion","severity":"high","rule":"countersign/console-login-without-mfa","message":"not heard any more"}
        {"seq":12,"link":"b44417~","type":"input","input":0,"records":25,"duplicates":2,"bytes":9999,"content":"0ccf94~"}
        {"seq":13,"link":"7f3e37~","type":"seal","records":13,"seal":"2c4ffa~"}
    "#]]
    .assert_eq(&shortened);
}

/// Digests to their first six digits, for people who read this.
fn shorten(line: &str) -> String {
    let mut text = String::new();
    let mut digits = 0;
    for c in line.chars() {
        digits = if c.is_ascii_digit() || ('a'..='f').contains(&c) { digits + 1 } else { 0 };
        text.push(c);
        if digits == 64 {
            text.truncate(text.len() - 58);
            text.push('~');
        }
    }
    text
}

#[test]
fn every_flipped_bit_is_found() {
    let (good, _) = file(&records());
    let mut bad = good.clone();
    for place in 0..good.len() {
        for bit in 0..8 {
            bad[place] ^= 1 << bit;
            assert!(verify(&*bad, None).is_err(), "byte {place} bit {bit}");
            assert!(read(&*bad).any(|entry| entry.is_err()), "byte {place} bit {bit}");
            bad[place] ^= 1 << bit;
        }
    }
}

#[test]
fn every_other_byte_in_the_seal_is_found() {
    let (good, _) = file(&[header()]);
    let seal = good.len() - lines(&good).last().unwrap().len();
    let mut bad = good.clone();
    for place in seal..good.len() {
        for byte in (0..=255).filter(|byte| *byte != good[place]) {
            bad[place] = byte;
            assert!(verify(&*bad, None).is_err(), "byte {place} is {byte}");
        }
        bad[place] = good[place];
    }
}

#[test]
fn every_line_removed_repeated_or_moved_is_found() {
    let (good, _) = file(&records());
    let lines = lines(&good);
    for from in 0..lines.len() {
        let mut without = lines.clone();
        let line = without.remove(from);
        assert!(verify(&*without.concat(), None).is_err(), "without line {from}");
        for to in 0..=without.len() {
            let mut moved = without.clone();
            moved.insert(to, line);
            assert_eq!(verify(&*moved.concat(), None).is_ok(), to == from, "line {from} at {to}");
            let mut repeated = lines.clone();
            repeated.insert(to, line);
            assert!(verify(&*repeated.concat(), None).is_err(), "line {from} again at {to}");
        }
    }
}

#[test]
fn every_cut_and_every_byte_more_is_found() {
    let (good, _) = file(&records());
    for length in 0..good.len() {
        assert!(verify(good.get(..length).unwrap(), None).is_err(), "{length} bytes");
    }
    for byte in 0..=255 {
        assert!(verify(&*[&*good, &[byte]].concat(), None).is_err(), "{byte} more");
    }
}

#[test]
fn faults_name_the_line_and_each_is_reported_once() {
    let records = records();
    let (good, head) = file(&records);
    let text = String::from_utf8(good.clone()).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let split = lines(&good);
    let without = |line: usize| [split[..line - 1].concat(), split[line..].concat()].concat();
    let last = split.len() as u64;

    // A value changed: the next line's link shows it. A form changed: the line itself does, and the next.
    assert_eq!(codes(&change("c5e2", "c5e9")), [(7, "wrong-link")]);
    assert_eq!(codes(&change("\"confidence\":70", "\"confidence\": 70")), [(4, "not-canonical"), (5, "wrong-link")]);
    assert_eq!(codes(&change("\"share\":10", "\"share\":10,\"x\":1")), [(7, "not-a-record"), (8, "wrong-link")]);
    assert_eq!(codes(&change("\"type\":\"input\"", "\"type\":\"inptu\"")), [(13, "not-a-record"), (14, "wrong-link")]);
    assert_eq!(codes(&change("\"format\":2", "\"format\":1")), [(1, "wrong-format"), (2, "wrong-link")]);
    assert_eq!(codes(&without(1)).first().unwrap(), &(1, "wrong-sequence"));
    assert!(codes(&without(1)).contains(&(1, "header-missing")));
    assert_eq!(codes(&without(5)), [(5, "wrong-sequence"), (5, "wrong-link"), (13, "wrong-seal")]);
    assert_eq!(codes(&without(14)), [(13, "seal-missing")]);
    assert_eq!(codes(&good[..good.len() - 1]), [(14, "line-unended")]);
    assert_eq!(codes(&change("\"records\":13", "\"records\":14")), [(last, "wrong-seal"), (last, "wrong-seal")]);
    assert_eq!(codes(&[&*good, b"\n"].concat()), [(15, "after-seal"), (15, "not-a-record")]);
    assert_eq!(codes(&[&*good, b"x"].concat()), [(15, "after-seal")]);
    assert_eq!(codes(b""), [(0, "empty")]);
    assert_eq!(codes(&vec![b' '; MAX_LINE + 1]), [(1, "line-too-long")]);
    assert_eq!(codes(&b"\n".repeat(1_000)).last().unwrap(), &(0, "more-faults"));
    assert!(codes(&[&*good, &*good].concat()).contains(&(15, "header-repeated")));

    let other = verify(&*good, Some(Digest::of(b"other"))).unwrap_err();
    assert_eq!(other.to_string(), format!("wrong-head: expected {}, got {}", Digest::of(b"other"), head.digest));
    let unsealed: Vec<_> = read(split[..2].concat().as_slice()).map(|entry| entry.is_ok()).collect();
    assert_eq!(unsealed, [true, true, false]);
    assert!(matches!(
        read(&good[..10]).next(),
        Some(Err(ReadError::Fault(AuditFault { code: FaultCode::LineUnended, .. })))
    ));
}

#[test]
fn a_rewritten_file_verifies_and_only_a_pinned_head_detects_it() {
    let (_, head) = file(&records());
    let (rewritten, _) = file(&records()[..3]);
    assert!(verify(&*rewritten, None).is_ok());
    assert!(matches!(verify(&*rewritten, Some(head.digest)), Err(VerifyError::Faults(_))));
}

#[test]
fn a_header_comes_first_a_seal_last() {
    let (mut chain, mut out) = (ChainWriter::new(), Vec::new());
    let other = records().remove(5);
    assert!(matches!(chain.append(&other, &mut out), Err(AppendError::NoHeader("set-aside"))));
    assert!(matches!(chain.seal(&mut out), Err(AppendError::NoHeader("seal"))));
    chain.append(&header(), &mut out).unwrap();
    let (before, length) = (chain, out.len());
    assert!(matches!(chain.append(&header(), &mut out), Err(AppendError::SecondHeader(1))));
    let seal = Record::Seal(Seal { records: 1, seal: Digest::of(b"") });
    assert!(matches!(chain.append(&seal, &mut out), Err(AppendError::SealAppended)));
    let long = Record::Header(Header { product: "x".repeat(MAX_LINE), ..Header::new("0", &key()) });
    assert!(matches!(ChainWriter::new().append(&long, &mut out), Err(AppendError::TooLong { .. })));
    let mut broken = records().remove(3);
    if let Record::Finding(finding) = &mut broken {
        finding.account = Some(Account::new("aws", "", "x"));
    }
    assert!(matches!(chain.append(&broken, &mut out), Err(AppendError::Unreadable { type_id: "finding", .. })));
    assert_eq!((chain, out.len()), (before, length));
    chain.seal(&mut out).unwrap();
    assert!(matches!(chain.append(&other, &mut out), Err(AppendError::Sealed(1))));
    assert!(matches!(chain.seal(&mut out), Err(AppendError::Sealed(1))));
}

#[test]
fn a_private_key_shows_in_the_header_and_in_every_digest_of_content() {
    let private = DigestKey::private(&[7; 32]).unwrap();
    let (public, own) = (Header::new("0.1.0", &key()), Header::new("0.1.0", &private));
    assert_eq!((public.private, own.private), (false, true));
    assert_ne!(public.digest_key, own.digest_key);
    let raw = |key: &DigestKey| {
        countersign_audit::record::FindingRecord::new(1, &common::finding(), None, Digest::of(b""), key).evidence[0].raw
    };
    assert_ne!(raw(&private), raw(&key()));
    assert_ne!(raw(&key()), common::finding().evidence[0].raw);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(verify(&*bytes, None).is_err());
    }

    /// Two changes at once, anywhere, with any bytes: links can't be balanced against each other.
    #[test]
    fn any_splice_is_found(from in 0usize..4_000, to in 0usize..4_000, length in 0usize..600, at in 0usize..4_000) {
        let (good, _) = file(&records());
        let piece = |start: usize, length: usize| {
            let start = start.min(good.len());
            good[start..(start + length).min(good.len())].to_vec()
        };
        let at = at.min(good.len());
        let end = (at + to % 600).min(good.len());
        let spliced = [&good[..at], &piece(from, length), &good[end..]].concat();
        prop_assert_eq!(verify(&*spliced, None).is_ok(), spliced == good);
    }
}
