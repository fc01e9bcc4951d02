//! Admission in child processes: what it costs, that no rule changes another's verdict, and what is kept. This program is its
//! own child, so that those that are measured are only those of admission; so it has no harness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod costs;
#[allow(dead_code, reason = "the hostile corpus uses the rest")]
#[path = "../../../../tests/tests/outside/handmade.rs"]
mod handmade;
mod kept;
#[allow(dead_code, reason = "the hostile corpus uses the rest")]
#[path = "../../../../tests/tests/outside/hostile/refused.rs"]
mod refused;
mod together;

use std::time::Duration;

use countersign_intake::{ADMISSION_LIMITS, ChildLimits, Intake, Place, confine, serve};

/// Admits in children of this program.
fn intake(limits: ChildLimits) -> Intake {
    Intake { place: Place::Child { program: std::env::current_exe().unwrap(), limits }, ..Intake::in_process() }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, _, memory, _, seconds] = arguments.as_slice()
        && command == "admit"
    {
        let cpu = Duration::from_secs(seconds.parse().unwrap());
        confine(&ChildLimits { memory: memory.parse().unwrap(), cpu, ..ADMISSION_LIMITS }).unwrap();
        return serve(std::io::stdin().lock(), std::io::stdout().lock()).unwrap();
    }
    let tests: [(&str, fn()); 4] = [
        (
            "a_refused_component_costs_at_most_two_seconds_and_256_mib",
            costs::a_refused_component_costs_at_most_two_seconds_and_256_mib,
        ),
        ("no_rule_changes_anothers_verdict", together::no_rule_changes_anothers_verdict),
        ("a_verdict_is_the_same_as_in_this_process", together::a_verdict_is_the_same_as_in_this_process),
        ("what_is_kept_is_not_read_again", kept::what_is_kept_is_not_read_again),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
    println!("\ntest result: ok. {} passed; 0 failed", tests.len());
}
