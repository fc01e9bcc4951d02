//! What of the time for which records wait is their source's own doing.

use super::*;

fn queue(records: &[(&str, u64)]) -> Queue {
    Queue(records.iter().map(|(source, records)| (SourceId::from(*source), *records)).collect())
}

fn lag(queue: &Queue, source: &str) -> u64 {
    queue.share(&SourceId::from(source)).of(Duration::from_secs(1_000)).as_secs()
}

#[test]
fn a_source_lags_by_what_it_sent_and_not_by_what_others_did() {
    let flooded = queue(&[("flood", 98_000), ("okta", 1_000), ("trail", 1_000)]);
    assert_eq!((lag(&flooded, "flood"), lag(&flooded, "okta"), lag(&flooded, "none")), (1_000, 30, 0));
    let floods = |queue: &Queue, source: &str| queue.share(&SourceId::from(source)).floods();
    assert!(floods(&flooded, "flood") && !floods(&flooded, "okta"));
    // Where all have the same it is everybody's.
    let slow = queue(&[("okta", 5_000), ("trail", 5_000)]);
    assert_eq!((lag(&slow, "okta"), lag(&slow, "trail")), (1_000, 1_000));
    assert!(!floods(&slow, "okta"));
    // A source alone floods nobody.
    let alone = queue(&[("trail", 5_000)]);
    assert_eq!((lag(&alone, "trail"), floods(&alone, "trail")), (1_000, false));
    assert_eq!(lag(&queue(&[]), "trail"), 0);
    // No sum is too large.
    let large = queue(&[("a", u64::MAX / 2), ("b", u64::MAX / 2)]);
    assert_eq!(lag(&large, "a"), 1_000);
}
