//! How much may be done, counted by identity, against a model.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn key(number: u8) -> Digest {
    Digest([number; 32])
}

fn causes(identity: u8, identity_type: IdentityType, rule: &str) -> Causes {
    let rule: countersign_model::RuleId = rule.parse().unwrap();
    let publisher = Cause::Publisher(rule.publisher().to_owned());
    Causes { identity: format!("i{identity}"), identity_type, by: [Cause::Rule(rule), publisher].into() }
}

fn human(identity: u8) -> Causes {
    causes(identity, IdentityType::Human, "a/one")
}

fn budget(name: &str) -> Budget {
    Budget { name: name.to_owned(), identity_type: None, each: None, rate: None, stock: None, share: None }
}

fn names(budgets: &Budgets, of: &[Budget], number: u8, causes: &Causes, now: i64) -> Vec<String> {
    budgets.exhausted(of, &key(number), causes, |_| 200, at(now)).into_iter().map(|one| one.name).collect()
}

#[test]
fn a_rate_counts_identities_in_a_time() {
    let budgets = [Budget { rate: Some(Rate { count: 2, seconds: 60 }), ..budget("rate") }];
    let mut reserved = Budgets::default();
    reserved.reserve(key(1), human(1), at(0));
    reserved.reserve(key(2), human(2), at(30));
    assert_eq!(names(&reserved, &budgets, 3, &human(3), 59), ["rate"]);
    // Somebody who is counted already, and the intent itself when the gate is asked again.
    assert_eq!(names(&reserved, &budgets, 3, &human(2), 59), [""; 0]);
    assert_eq!(names(&reserved, &budgets, 2, &human(2), 59), [""; 0]);
    // What ended was done all the same; what failed wasn't.
    reserved.ended(&key(2));
    assert_eq!(names(&reserved, &budgets, 3, &human(3), 59), ["rate"]);
    assert_eq!(names(&reserved, &budgets, 3, &human(3), 60), [""; 0]);
    reserved.release(&key(2));
    assert_eq!(names(&reserved, &budgets, 3, &human(3), 59), [""; 0]);
}

#[test]
fn a_stock_counts_what_is_contained_now() {
    let stock = Budget { stock: Some(2), ..budget("stock") };
    let share = Budget { share: Some(15), identity_type: Some(IdentityType::Human), ..budget("share") };
    let budgets = [stock, share];
    let mut reserved = Budgets::default();
    (1..=2).for_each(|number| reserved.reserve(key(number), human(number), at(0)));
    assert_eq!(names(&reserved, &budgets, 3, &human(3), 9_999), ["stock"]);
    reserved.reserve(key(3), human(3), at(1));
    assert_eq!(names(&reserved, &budgets, 4, &human(4), 9_999), ["stock", "share"]);
    assert_eq!(names(&reserved, &budgets, 4, &causes(4, IdentityType::Workload, "a/one"), 9_999), ["stock"]);
    (1..=3).for_each(|number| reserved.ended(&key(number)));
    assert_eq!(names(&reserved, &budgets, 4, &human(4), 9_999), [""; 0]);
    // A share of few is one at least: else nobody would ever be contained.
    let none = reserved.exhausted(&budgets, &key(4), &human(4), |_| 3, at(9_999));
    assert_eq!(none, []);
    reserved.forget(&budgets, at(9_999));
    assert!(reserved.is_empty());
}

#[test]
fn each_rule_has_its_own() {
    let budgets = [Budget { each: Some(Measure::Rule), stock: Some(1), ..budget("rule") }];
    let mut reserved = Budgets::default();
    reserved.reserve(key(1), human(1), at(0));
    let both = Causes { by: &human(2).by | &causes(2, IdentityType::Human, "b/two").by, ..human(2) };
    let exhausted = reserved.exhausted(&budgets, &key(2), &both, |_| 200, at(1));
    assert_eq!(exhausted.len(), 1);
    assert_eq!(exhausted[0].cause.as_ref().unwrap().to_string(), "rule:a/one");
    assert_eq!(names(&reserved, &budgets, 2, &causes(2, IdentityType::Human, "b/two"), 1), [""; 0]);
}

/// What the model has: an intent, an identity, when it was done, and whether it is contained.
type Held = (u8, u8, i64, bool);

proptest! {
    /// Whatever comes in whatever order, a budget that is asked each time is never exceeded.
    #[test]
    fn a_budget_that_is_asked_is_never_exceeded(
        steps in prop::collection::vec((0_u8..4, 0_u8..30, 0_u8..12, 0_i64..40), 1..200),
    ) {
        let budgets = [
            Budget { rate: Some(Rate { count: 3, seconds: 100 }), ..budget("rate") },
            Budget { stock: Some(4), ..budget("stock") },
        ];
        let mut reserved = Budgets::default();
        let mut model: Vec<Held> = Vec::new();
        let mut now = 0;
        for (what, number, identity, seconds) in steps {
            now += seconds;
            match what {
                0 | 1 if !model.iter().any(|(known, ..)| *known == number) => {
                    let free = names(&reserved, &budgets, number, &human(identity), now).is_empty();
                    if free {
                        reserved.reserve(key(number), human(identity), at(now));
                        model.push((number, identity, now, true));
                    }
                    let of = |keep: fn(&Held, i64) -> bool| {
                        model.iter().filter(|one| keep(one, now)).map(|one| one.1).collect::<BTreeSet<u8>>()
                    };
                    let (recent, held) = (of(|one, now| one.2 > now - 100), of(|one, _| one.3));
                    prop_assert!(recent.len() <= 3 && held.len() <= 4, "{recent:?} {held:?}");
                    let full = recent.len() == 3 && !recent.contains(&identity) || held.len() == 4 && !held.contains(&identity);
                    prop_assert_eq!(free, !full);
                }
                2 => {
                    reserved.ended(&key(number));
                    model.iter_mut().filter(|one| one.0 == number).for_each(|one| one.3 = false);
                }
                3 => {
                    reserved.release(&key(number));
                    model.retain(|one| one.0 != number);
                }
                _ => {}
            }
            reserved.forget(&budgets, at(now));
            model.retain(|one| one.3 || one.2 > now - 100);
            prop_assert_eq!(reserved.len(), model.len());
        }
    }
}
