//! Verification finds any change of a finished file, and names the line that was changed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod common;

use common::{file, header, key, records};
use countersign_audit::record::{Header, Seal};
use countersign_audit::{
    AppendError, AuditFault, BEGINNING, ChainWriter, FaultCode, Head, MAX_LINE, Opening, ReadError, Record, Unsealed,
    Verified, VerifyError, parse, read, standing_digest, verify, verify_log,
};
use countersign_model::{Account, Digest, DigestKey};
use expect_test::expect;
use proptest::prelude::*;

fn found<T>(result: Result<T, VerifyError>) -> Vec<AuditFault> {
    match result {
        Ok(_) => Vec::new(),
        Err(VerifyError::Faults(faults)) => {
            assert!(!faults.is_empty());
            faults
        }
        Err(VerifyError::Unreadable(error)) => panic!("{error}"),
    }
}

fn pairs(faults: &[AuditFault]) -> Vec<(u64, &'static str)> {
    faults.iter().map(|fault| (fault.line, fault.code.id())).collect()
}

/// Line and code of each fault.
fn codes(bytes: &[u8]) -> Vec<(u64, &'static str)> {
    pairs(&found(verify(bytes, None)))
}

/// Whether it verifies as a finished file.
fn passes(bytes: &[u8]) -> bool {
    matches!(verify(bytes, None), Ok(Verified::Sealed(_)))
}

/// How an interrupted file ends.
fn unsealed(bytes: &[u8]) -> Option<Unsealed> {
    match verify(bytes, None) {
        Ok(Verified::Unsealed(unsealed)) => Some(unsealed),
        _ => None,
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn a_finished_file_verifies_and_reads_back() {
    let records = records();
    let (bytes, head) = file(&records);
    assert_eq!(verify(&*bytes, None).unwrap(), Verified::Sealed(head));
    assert_eq!(verify(&*bytes, Some(head.digest)).unwrap(), Verified::Sealed(head));
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
        {"seq":0,"link":"000000~","type":"header","format":4,"product":"countersign","version":"0.1.0","digest_key":"0f48be~","private":false}
        {"seq":1,"link":"7587c5~","type":"generation","number":1,"position":0,"rules":[{"identity":{"id":"countersign/console-login-without-mfa","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"kind":"detection","proof":"shipped"}],"trust":"be4ffb~","policy":"92f54f~","sources":"36aa9a~","identities":null,"capabilities":"3cdf77~","context":[{"table":"egress","content":"8374ac~","kept":true}],"engine":"wasmtime 48.0.0","interface":"countersign:rules@0.1.0","gate":2}
        {"seq":2,"link":"eb1243~","type":"component","position":17,"rule":"countersign/console-login-without-mfa","component":"23d4a8~"}
        {"seq":3,"link":"e6d585~","type":"finding","generation":1,"position":17,"rule":"countersign/console-login-without-mfa","index":0,"event_id":"c5e1-ü\"\\","event_time":"2023-07-10T11:42:18Z","signal_class":"sign-in","confidence":70,"severity":"high","role":"actor","account":"aws:123456789012:AIDAEXAMPLE","evidence_role":"authenticated-as","evidence":[{"event_id":"c5e1","event_time":"2023-07-10T11:42:18Z","raw":"2b4318~"}],"techniques":["T1078.004"],"context":"complete","bundle":"4dba00~","call":"85667f~"}
        {"seq":4,"link":"2679e7~","type":"decision","generation":1,"incident":[{"position":17,"rule":"countersign/console-login-without-mfa","index":0}],"event_id":"c5e1-ü\"\\","event_time":"2023-07-10T11:42:18Z","rule":{"id":"countersign/console-login-without-mfa","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"responses":[{"rule":{"id":"countersign/graduated-containment","version":"1.2.3","code":"5694d0~","declaration":"abcd0e~","data":null,"parameters":"44136f~"},"bundle":"165fc0~"}],"decision":{"kind":"await-approval","response_rule":"countersign/graduated-containment","requested_action":"revoke-sessions","action":"revoke-sessions","subject":0,"account":"aws:123456789012:AIDAEXAMPLE","lease":3600,"confidence":70,"floor":60,"anchor":0,"reasons":[{"code":"policy-unset","action":"revoke-sessions","effect":"approval","detail":"no cell"}]},"inputs":"656bd9~"}
        {"seq":5,"link":"147091~","type":"set-aside","position":18,"rule":"countersign/console-login-without-mfa","occasion":{"timer":{"id":"silence","at":"2023-07-10T11:42:18Z"}},"event_id":"c5e2","failure":"trap","message":"panicked\nat line 3"}
        {"seq":6,"link":"1a1fe0~","type":"quarantine","position":19,"rule":"countersign/console-login-without-mfa","failing_accounts":5,"accounts":20,"share":10,"least":5}
        {"seq":7,"link":"da39b5~","type":"not-deterministic","position":20,"rule":"countersign/console-login-without-mfa","message":"another state"}
        {"seq":8,"link":"aa742d~","type":"rule-stopped","position":21,"rule":"countersign/console-login-without-mfa","occasion":{"finding":{"rule":"countersign/burst-of-denied-calls","index":1}},"event_id":"c5e3","message":"2 s"}
        {"seq":9,"link":"cea8df~","type":"diagnostic","position":22,"rule":"countersign/console-login-without-mfa","index":0,"level":"warning","message":"odd"}
        {"seq":10,"link":"7e030b~","type":"dead-letter","input":0,"ordinal":23,"offset":4096,"length":12,"code":"not-json","reason":"expected a value"}
        {"seq":11,"link":"f4d946~","type":"host-finding","position":24,"kind":"rule-quarantined","signal_class":"evasion","severity":"high","rule":"countersign/console-login-without-mfa","message":"not heard any more"}
        {"seq":12,"link":"d79b55~","type":"quarantine","position":25,"rule":"countersign/burst-of-denied-calls","failing_accounts":6,"accounts":20,"share":20,"least":5,"source":"cloudtrail","until":"2023-07-10T11:42:18Z"}
        {"seq":13,"link":"12257f~","type":"parked","position":25,"rule":"countersign/burst-of-denied-calls","source":"okta","rows":"outsiders","party":"203.0.113.0/24","calls":8,"until":"2023-07-10T11:42:18Z"}
        {"seq":14,"link":"96e8eb~","type":"readmitted","position":26,"rule":"countersign/burst-of-denied-calls","source":"okta","rows":"authenticated","end":"time"}
        {"seq":15,"link":"55ee04~","type":"rule-stopped","position":26,"rule":"countersign/graduated-containment","event_id":"c5e4","message":"10 s","source":"okta","until":"2023-07-10T11:42:18Z"}
        {"seq":16,"link":"639782~","type":"input","input":0,"records":25,"duplicates":2,"bytes":9999,"content":"0ccf94~"}
        {"seq":17,"link":"f4c7cf~","type":"seal","records":17,"seal":"1b2629~"}
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
            assert!(!passes(&bad), "byte {place} bit {bit}");
            let mut reading = read(&*bad);
            assert!(reading.any(|entry| entry.is_err()) || reading.head().is_none(), "byte {place} bit {bit}");
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
            assert!(!passes(&bad), "byte {place} is {byte}");
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
        assert!(!passes(&without.concat()), "without line {from}");
        for to in 0..=without.len() {
            let mut moved = without.clone();
            moved.insert(to, line);
            assert_eq!(passes(&moved.concat()), to == from, "line {from} at {to}");
            let mut repeated = lines.clone();
            repeated.insert(to, line);
            assert!(!passes(&repeated.concat()), "line {from} again at {to}");
        }
    }
}

#[test]
fn every_cut_and_every_byte_more_is_found() {
    let (good, _) = file(&records());
    for length in 0..good.len() {
        assert!(!passes(good.get(..length).unwrap()), "{length} bytes");
    }
    for byte in 0..=255 {
        assert!(!passes(&[&*good, &[byte]].concat()), "{byte} more");
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

    // A value changed: only the next line's link shows it. A form changed: the line itself does, too.
    assert_eq!(codes(&change("c5e2", "c5e9")), [(6, "changed")]);
    assert_eq!(codes(&change("\"version\":\"0.1.0\"", "\"version\":\"0.1.1\"")), [(1, "changed")]);
    assert_eq!(codes(&change("\"confidence\":70", "\"confidence\": 70")), [(4, "not-canonical"), (4, "changed")]);
    assert_eq!(codes(&change("\"share\":10", "\"share\":10,\"x\":1")), [(7, "not-a-record"), (7, "changed")]);
    assert_eq!(codes(&change("\"type\":\"input\"", "\"type\":\"inptu\"")), [(17, "not-a-record"), (17, "changed")]);
    assert_eq!(codes(&change("\"format\":4", "\"format\":1")), [(1, "wrong-format"), (1, "changed")]);
    assert_eq!(codes(&change("\"seq\":5,", "\"seq\":6,")), [(6, "wrong-sequence"), (6, "changed")]);
    assert_eq!(codes(&without(1)).first().unwrap(), &(1, "wrong-sequence"));
    assert!(codes(&without(1)).contains(&(1, "header-missing")));
    assert_eq!(codes(&without(5)), [(5, "wrong-sequence"), (5, "wrong-link")]);
    assert_eq!(codes(&without(17)), [(17, "wrong-sequence"), (17, "wrong-link")]);
    assert_eq!(codes(&change("\"records\":17", "\"records\":18")), [(last, "wrong-seal"), (last, "wrong-seal")]);
    assert_eq!(codes(&[&*good, b"\n"].concat()), [(19, "after-seal"), (19, "not-a-record")]);
    assert_eq!(codes(&[&*good, b"x"].concat()), [(19, "after-seal")]);
    assert_eq!(codes(b""), [(0, "empty")]);
    assert_eq!(codes(&vec![b' '; MAX_LINE + 1]), [(1, "line-too-long")]);
    assert_eq!(codes(&b"\n".repeat(1_000)).last().unwrap(), &(0, "more-faults"));
    assert!(codes(&[&*good, &*good].concat()).contains(&(19, "header-repeated")));

    let other = verify(&*good, Some(Digest::of(b"other"))).unwrap_err();
    assert_eq!(other.to_string(), format!("wrong-head: expected {}, got {}", Digest::of(b"other"), head.digest));
    let changed = change("c5e2", "c5e9");
    assert_eq!(
        found(verify(&*changed, None))[0].to_string(),
        format!(
            "line 6: changed: expected digest {}, which is the link of line 7, got digest {}",
            Digest::of(split[5]),
            Digest::of(lines(&changed)[5])
        )
    );
}

/// What a reader does with a file that ends without a seal.
#[test]
fn a_file_without_its_end_is_read_to_where_it_ends() {
    let (good, _) = file(&records());
    let mut reading = read(&good[..good.len() - 1]);
    assert_eq!(reading.by_ref().filter(|entry| entry.is_ok()).count(), 17);
    assert_eq!((reading.head(), reading.writer().records()), (None, 17));
    assert!(read(&good[..10]).next().is_none());
    assert!(matches!(
        read(&b"{\"seq\":1"[..]).next(),
        Some(Err(ReadError::Fault(AuditFault { code: FaultCode::LineUnended, .. })))
    ));
    let entry = parse(lines(&good)[3]).unwrap();
    assert_eq!((entry.line, &entry.record), (4, &records()[3]));
    assert_eq!(parse(&good[..10]), None);
}

#[test]
fn every_changed_byte_is_reported_at_its_line() {
    let records = records();
    let (good, _) = file(&[&records[..1], &records[5..9], &records[16..]].concat());
    let ends: Vec<usize> = good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let mut bad = good.clone();
    for place in 0..good.len() {
        let line = 1 + ends.iter().filter(|end| **end < place).count() as u64;
        for byte in [good[place] ^ 1, good[place] ^ 0x80, b' ', b'0', b'a', b'"', b'}', b'\n', b'{'] {
            if byte == good[place] {
                continue;
            }
            bad[place] = byte;
            let what = || format!("byte {place}, in line {line}, is {byte}");
            let named: Vec<u64> = codes(&bad).iter().map(|(line, _)| *line).filter(|line| *line > 0).collect();
            assert_eq!(named.first(), Some(&line), "{}: {:?}", what(), codes(&bad));
            // A byte that isn't a newline, before or after, leaves all other lines where they are.
            if byte != b'\n' && good[place] != b'\n' {
                assert!(named.iter().all(|named| *named == line), "{}: {:?}", what(), codes(&bad));
            }
        }
        bad[place] = good[place];
    }
}

#[test]
fn a_changed_link_is_reported_where_it_is() {
    let (good, _) = file(&records());
    let split = lines(&good);
    for line in 1..=split.len() {
        let text = String::from_utf8(split[line - 1].to_vec()).unwrap();
        let link = text.split("\"link\":\"").nth(1).unwrap()[..64].to_owned();
        let other = text.replacen(&link, &Digest::of(b"other").to_string(), 1).into_bytes();
        let mut bad = split.clone();
        bad[line - 1] = &other;
        let place = line as u64;
        let expected = match line {
            18 => vec![(place, "wrong-seal"), (place, "wrong-link")],
            _ => vec![(place, "wrong-link"), (place, "changed")],
        };
        assert_eq!(codes(&bad.concat()), expected, "line {line}");
    }
    // Three neighbours changed: the last one for certain; of the others, one of each two.
    let text = String::from_utf8(good.clone()).unwrap();
    let bad = text.replace("c5e2", "c5e9").replace("\"share\":10", "\"share\":11").replace("another state", "any");
    assert_eq!(codes(bad.as_bytes()), [(7, "wrong-link"), (8, "wrong-link"), (8, "changed")]);
}

#[test]
fn lines_out_of_place_are_told_from_changed_ones() {
    let (good, _) = file(&records());
    let split = lines(&good);
    let with = |lines: Vec<&[u8]>| codes(&lines.concat());
    let out_of_place = |line: u64| [(line, "wrong-sequence"), (line, "wrong-link")];
    for line in 2..split.len() - 1 {
        let place = line as u64 + 1;
        let mut removed = split.clone();
        removed.remove(line);
        assert_eq!(with(removed), out_of_place(place), "line {place} removed");
        let mut swapped = split.clone();
        swapped.swap(line - 1, line);
        let expected = [out_of_place(place - 1), out_of_place(place), out_of_place(place + 1)].concat();
        assert_eq!(with(swapped), expected, "lines {line} and {place} swapped");
        let mut repeated = split.clone();
        repeated.insert(line, split[line - 1]);
        assert_eq!(with(repeated), out_of_place(place), "line {line} repeated");
    }
    // A line that was made to fit what is before it doesn't fit what is after it.
    let (mut chain, mut forged) = (ChainWriter::resume(6, Digest::of(split[5])), Vec::new());
    chain.append(&records()[5], &mut forged).unwrap();
    let mut added = split.clone();
    added.insert(6, &forged);
    assert_eq!(with(added), out_of_place(8));
    let mut replaced = split.clone();
    replaced[6] = &forged;
    assert_eq!(with(replaced), [(7, "changed")]);
}

#[test]
fn a_file_of_an_interrupted_run_is_told_from_a_changed_one() {
    let (good, _) = file(&records());
    let split = lines(&good);
    let ends = |complete: usize| ChainWriter::resume(complete as u64, Digest::of(split[complete - 1]));
    for length in 1..good.len() {
        let cut = &good[..length];
        let complete = cut.iter().filter(|byte| **byte == b'\n').count();
        let torn = length - split[..complete].concat().len();
        let end = if complete == 0 { ChainWriter::new() } else { ends(complete) };
        assert_eq!(unsealed(cut), Some(Unsealed { end, torn: torn as u64 }), "{length} bytes");
    }
    let cut = unsealed(&good[..good.len() - 1]).unwrap();
    assert_eq!((cut.end.records(), cut.torn), (17, split[17].len() as u64 - 1));
    assert_eq!(
        cut.fault().to_string(),
        "seal-missing: expected a seal as the last record, got the end of the file after 17 records and 185 bytes of \
         another"
    );

    // A change in what holds is a change, and what follows it says which line.
    let text = String::from_utf8(good.clone()).unwrap();
    let changed = text.replace("c5e2", "c5e9").into_bytes();
    let seven = split[..7].concat().len();
    assert_eq!(codes(&changed[..seven]), [(6, "changed"), (0, "seal-missing")]);
    assert_eq!(codes(&changed[..seven + 90]), [(6, "changed"), (0, "seal-missing")]);
    let six = split[..6].concat().len();
    assert_eq!(codes(&changed[..six + 110]), [(6, "changed"), (0, "seal-missing")]);
    // Of the last line nothing in the file tells.
    assert!(unsealed(&changed[..six]).is_some());
    // What isn't how a record begins was never written there.
    let link = Digest::of(split[6]).to_string();
    let other = if link.starts_with('0') { '1' } else { '0' };
    let of_another = format!("{{\"seq\":7,\"link\":\"{other}");
    for tail in [&b"x"[..], b"{\"seq\":8", of_another.as_bytes(), b"{}"] {
        let codes = codes(&[&good[..seven], tail].concat());
        assert_eq!(codes, [(8, "line-unended")], "{tail:?}");
    }
    assert_eq!(codes(&[&*good, b"{"].concat()), [(19, "after-seal")]);
}

#[test]
fn the_log_of_a_store_ends_where_the_store_says() {
    let (good, _) = file(&records());
    let split = lines(&good);
    let log = split[..17].concat();
    let end = ChainWriter::resume(17, Digest::of(split[16]));
    let codes = |log: &[u8]| pairs(&found(verify_log(log, end, None)));
    assert_eq!(codes(&log), []);
    assert_eq!(pairs(&found(verify_log(&b""[..], ChainWriter::new(), None))), []);
    let head = file(&records()).1.digest;
    assert_eq!(pairs(&found(verify_log(&*log, end, Some(head)))), []);
    assert_eq!(pairs(&found(verify_log(&*log, end, Some(end.link())))), [(0, "wrong-head")]);
    assert_eq!(codes(b""), [(0, "wrong-end")]);
    assert_eq!(codes(&split[..16].concat()), [(0, "wrong-end")]);
    assert_eq!(codes(&log[..log.len() - 1]), [(0, "wrong-end")]);
    assert_eq!(codes(&good), [(0, "wrong-end")]);
    let text = String::from_utf8(log).unwrap();
    assert_eq!(codes(text.replace("c5e2", "c5e9").as_bytes()), [(6, "changed")]);
    assert_eq!(codes(text.replace("9999", "9998").as_bytes()), [(0, "wrong-end")]);
}

#[test]
fn a_rewritten_file_verifies_and_only_a_pinned_head_detects_it() {
    let (_, head) = file(&records());
    let (rewritten, _) = file(&records()[..3]);
    assert!(passes(&rewritten));
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
        countersign_audit::record::FindingRecord::new(1, &common::finding(), None, (Digest::of(b""), None), key)
            .evidence[0]
            .raw
    };
    assert_ne!(raw(&private), raw(&key()));
    assert_ne!(raw(&key()), common::finding().evidence[0].raw);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!passes(&bytes));
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
        prop_assert_eq!(passes(&spliced), spliced == good);
    }
}

#[test]
fn a_log_without_its_first_records_verifies_from_its_opening() {
    let (bytes, head) = file(&records());
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (from, standing) = (5, [lines[0], lines[2]]);
    let opening = Opening {
        from: from as u64,
        link: Digest::of(lines[from - 1]),
        lines: standing.len() as u64,
        standing: standing_digest(standing),
        checkpoints: Vec::new(),
    };
    let part = [opening.to_line().unwrap(), standing.concat(), lines[from..].concat()].concat();
    assert_eq!(verify(&*part, None).unwrap(), Verified::Sealed(head));
    let numbers: Vec<u64> = read(&*part).map(|entry| entry.unwrap().line - 1).collect();
    assert_eq!(numbers[..4], [0, 2, 5, 6]);
    for at in 0..part.len() {
        let mut changed = part.clone();
        changed[at] ^= 1;
        assert!(verify(&*changed, None).is_err(), "byte {at}");
    }
    // Lines that stand are a header and records from before.
    for standing in [vec![lines[2]], vec![lines[0], lines[6]], Vec::new()] {
        let opening = Opening {
            lines: standing.len() as u64,
            standing: standing_digest(standing.iter().copied()),
            ..opening.clone()
        };
        let part = [opening.to_line().unwrap(), standing.concat(), lines[from..].concat()].concat();
        assert!(verify(&*part, None).is_err(), "{}", standing.len());
    }
}
