//! Tables follow the rows and keys of each call, and a finding's context state doesn't depend on the batch.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use countersign_model::ContextState;
use countersign_model::call::{Availability, TableAvailability};
use countersign_model::vocabulary::Keying;

use super::*;
use crate::testing::{Fake, FakeAnswer, FakeCall, declaration, judge, rows, second, sequence};
use crate::{Outcome, RuleStream};

/// Has roles of every account but BOB, as of the beginning.
struct Roles;

impl ContextSource for Roles {
    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
        let fresh = if call.now.micros_since(second(0)) > wanted.max_age {
            Availability::Stale(second(0).micros())
        } else {
            Availability::Fresh(second(0).micros())
        };
        let known = |account: String| if account.contains("BOB") { Availability::Missing } else { fresh };
        let availability = match wanted.keying {
            Keying::Row => {
                let accounts = call.events.iter().map(|event| event.actor.account.as_ref());
                accounts.map(|account| known(account.map(ToString::to_string).unwrap_or_default())).collect()
            }
            Keying::Key => call.keys.iter().map(|key| known(key.to_string())).collect(),
            Keying::Batch => vec![fresh],
        };
        ContextTable {
            keying: wanted.keying,
            rows: u32::try_from(availability.len()).unwrap(),
            availability: TableAvailability::of(availability),
            columns: Vec::new(),
        }
    }
}

/// Finds on `find`, with the row's context in the message.
fn stream(by: &str) -> RuleStream {
    let table =
        format!("[[context]]\ntable = \"domain-roles\"\nby = \"{by}\"\ncolumns = [\"roles\"]\nmax-age = \"2m\"\n");
    let (stream, _) = Fake::stream(declaration("", &table), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows().collect::<Vec<_>>() {
            let table = &sheet.call.context[0];
            let place = match table.keying {
                Keying::Row => Some(row),
                Keying::Key => sheet.key(row),
                Keying::Batch => None,
            };
            let own = match (&table.availability, place) {
                (TableAvailability::Each(rows), Some(place)) => rows[place as usize],
                (TableAvailability::Whole(whole), _) => *whole,
                (TableAvailability::Each(_), None) => Availability::Missing,
            };
            if operation == "find" {
                answer.find(row, &format!("{own:?}"));
            }
        }
        Ok(answer)
    });
    stream.with_context(Arc::new(Roles))
}

fn states(outcome: &Outcome) -> Vec<ContextState> {
    outcome.findings.iter().map(|found| found.finding.context).collect()
}

#[test]
fn a_finding_lacks_what_its_own_row_lacks() {
    use ContextState::{Complete, Missing};
    let all = rows(&[("find", "ALICE"), ("find", "BOB"), ("seen", "ALICE"), ("find", ""), ("find", "ALICE")]);
    for (by, expected) in [
        ("row", [Complete, Missing, Complete, Complete]),
        // A row without a key has no row in a table by key.
        ("key", [Complete, Missing, Missing, Complete]),
        ("batch", [Complete, Complete, Complete, Complete]),
    ] {
        let whole = judge(&mut stream(by), &all);
        assert_eq!((states(&whole), whole.disagreements.len()), (expected.to_vec(), 0), "by {by}");
        let mut one = stream(by);
        let alone: Vec<Outcome> = all.chunks(1).map(|row| judge(&mut one, row)).collect();
        let findings = |outcome: &Outcome| format!("{:?}", outcome.findings);
        let text: Vec<String> =
            alone.iter().flat_map(|one| one.findings.iter().map(|found| format!("{found:?}"))).collect();
        assert_eq!(findings(&whole), format!("[{}]", text.join(", ")), "by {by}");
    }
}

#[test]
fn a_table_ages_from_tick_to_tick() {
    use ContextState::{Complete, Missing};
    let mut stream = stream("batch");
    let later = |seconds: i64| {
        let mut event = crate::testing::event(0);
        event.time = second(seconds);
        event.fields.set(countersign_model::vocabulary::FieldId::ApiOperation, crate::testing::text("find"));
        event
    };
    // Between two ticks nothing ages, even if time jumps.
    let rows = sequence(vec![later(110), later(150), later(160)]);
    assert_eq!(states(&judge(&mut stream, &rows)), [Complete, Complete, Complete]);
    stream.tick(crate::Tick { at: second(0) });
    assert_eq!(states(&judge(&mut stream, &rows[2..])), [Missing]);
}
