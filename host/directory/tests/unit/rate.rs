//! One caller's requests take nothing from another's.

use super::*;

#[test]
fn twice_a_seconds_requests_may_come_at_once_of_each_caller() {
    let rates = Rates::new(5);
    let sent = (0..20).filter(|_| rates.exceeds("one").is_none()).count();
    assert!((10..13).contains(&sent), "{sent}");
    assert_eq!(rates.exceeds("one"), Some(1));
    assert_eq!(rates.exceeds("other"), None);
    for number in 0..2 * MAX_CALLERS {
        rates.exceeds(&number.to_string());
    }
    assert!(rates.callers.lock().unwrap().len() <= MAX_CALLERS);
}
