//! Admission in a child process: what it reads of its parent, which passes on anybody's bytes, and what the parent reads of
//! it, which may have been taken over. Any bytes are served or refused; each reply is a verdict that reads back.

use countersign_admission::fingerprint;
use countersign_confine::{Frame, read, write};
use countersign_declaration::Ceilings;
use countersign_intake::{MAX_VERDICT, Verdict, serve};
use countersign_model::Digest;

/// What verdicts are read for that begin with `v`.
const RULE: &[u8] = b"rule";

/// Checks some bytes: requests if they begin with `q`, a verdict if with `v`. True if they were accepted.
pub fn check(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((b'q', requests)) => check_requests(requests),
        Some((b'v', verdict)) => check_verdict(verdict),
        _ => false,
    }
}

fn check_requests(requests: &[u8]) -> bool {
    let mut replies = Vec::new();
    let served = serve(bounded(requests).as_slice(), &mut replies).is_ok();
    let rules: Vec<Frame> = frames(requests).into_iter().skip(1).collect();
    let mut replies = replies.as_slice();
    let mut judged = 0;
    while let Some(reply) = read(&mut replies, MAX_VERDICT).expect("replies are frames") {
        let rule = rules.get(judged).expect("a reply for each rule, at most");
        let verdict = Verdict::read(&reply.bytes, fingerprint(&rule.bytes)).expect("a reply is a verdict on its rule");
        if let Verdict::Refused(refusals) = &verdict {
            assert!(!refusals.is_empty(), "refused without a reason");
        }
        judged += 1;
    }
    assert!(!served || judged == rules.len(), "{judged} verdicts on {} rules", rules.len());
    served && judged > 0
}

/// The frames up to the first that is broken.
fn frames(mut stream: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = read(&mut stream, MAX_VERDICT) {
        frames.push(frame);
    }
    frames
}

/// The requests with the default limits where theirs are wider, as the process itself has narrower ones than a search.
fn bounded(requests: &[u8]) -> Vec<u8> {
    let frames = frames(requests);
    let narrow = frames
        .first()
        .and_then(|first| serde_json::from_slice::<Ceilings>(&first.bytes).ok())
        .is_some_and(|ceilings| Ceilings::default().cover(&ceilings));
    match frames.split_first() {
        Some((first, rules)) if !narrow && serde_json::from_slice::<Ceilings>(&first.bytes).is_ok() => {
            let ceilings = serde_json::to_vec(&Ceilings::default()).expect("numbers are JSON");
            let mut bytes = Vec::new();
            for (kind, content) in
                std::iter::once((first.kind, &ceilings)).chain(rules.iter().map(|rule| (rule.kind, &rule.bytes)))
            {
                write(&mut bytes, kind, content).expect("memory takes everything");
            }
            bytes
        }
        _ => requests.to_vec(),
    }
}

fn check_verdict(verdict: &[u8]) -> bool {
    let rule = Digest::of(RULE);
    let Some(verdict) = Verdict::read(verdict, rule) else { return false };
    assert_eq!(Verdict::read(&verdict.write(rule), rule), Some(verdict), "what was read is written and read again");
    true
}
