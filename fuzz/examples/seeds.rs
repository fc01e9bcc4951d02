//! Writes the seeds that aren't written by hand: `cargo run --example seeds`, in this folder. The same ones every time.

use std::fs;
use std::path::Path;

use countersign_admission::sections;
use countersign_declaration::{Declaration, parse_toml, to_section};
use countersign_fuzz::answer::{self, Seen};
use countersign_fuzz::component::{self, Chance};

/// Scripts that are looked at to find those that get far.
const TRIED: u64 = 40_000;

/// Upper bound of a script, bytes.
const MAX_SCRIPT: usize = 320;

/// What a script is wanted for.
const WANTED: &[(&str, fn(&Seen) -> bool)] = &[
    ("finds", |seen| seen.findings > 1),
    ("keeps-state", |seen| seen.states > 2),
    ("sets-timers", |seen| seen.timers > 0),
    ("fails", |seen| seen.failures > 2),
];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("it is in the repository");
    let declaration = |path: &str| parse_toml(&read(path)).expect("it is a declaration");
    let write =
        |path: &str, bytes: &[u8]| fs::write(root.join("seeds").join(path), bytes).expect("seeds can be written");

    let detection = declaration("../tests/fixtures/admission/base/detection.toml");
    let everything = declaration("seeds/declaration/everything.toml");
    let response = declaration("seeds/declaration/response.toml");
    for (name, declaration) in [("detection", &detection), ("everything", &everything), ("response", &response)] {
        write(&format!("declaration/{name}.json"), &to_section(declaration));
    }

    let fixture = |name: &str| fs::read(root.join("../tests/fixtures/0.1.0").join(name)).expect("a fixture");
    let small = |name: &str| component::hollow(&fixture(name)).expect("a component");
    let attach = |bytes: &[u8], declaration: &Declaration, data: Option<&[u8]>| {
        sections::attach(bytes, declaration, data).expect("a whole component")
    };
    let timer = small("example.uses-a-timer.wasm");
    write("admission/detection.wasm", &attach(&timer, &detection, Some(b"what it was built with")));
    write("admission/everything.wasm", &attach(&timer, &everything, None));
    write("admission/bad-kind.wasm", &attach(&timer, &response, None));
    write("admission/bad-undeclared.wasm", &timer);

    for (name, wanted) in WANTED {
        let found = (0..TRIED).map(script).find(|bytes| wanted(&answer::check(bytes)));
        write(&format!("answer/{name}.bin"), &found.expect("one of so many"));
    }
}

/// Small numbers are choices that most often lead on.
fn script(seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let length = 64 + chance.below(MAX_SCRIPT - 64);
    (0..length).map(|_| if chance.below(4) == 0 { chance.next() as u8 } else { chance.below(6) as u8 }).collect()
}
