//! Attempts at admission: what it must refuse or ignore.

use countersign_admission::{Admitted, sections};
use countersign_declaration::{Ceilings, Refusal, RefusalCode, parse_toml};
use countersign_intake::ADMISSION_LIMITS;
use countersign_model::call::Parameter;
use countersign_model::vocabulary::Action;

use super::reading::intake;
use super::refused::{Refused, refused};
use super::{Attempt, Defence, attempt};
use crate::handmade::{DECLARATION, HONEST, component, module};
use crate::support::{admitted, bytes, shipped};

const RULE: &str = "burst-of-denied-calls";

pub(super) fn attempts() -> Vec<Attempt> {
    use RefusalCode as Code;

    let of_bytes = refused().into_iter().map(|Refused { name, tries, codes, bytes }| {
        attempt(name, tries, at(codes[0]), move || Defence::refused(check(&bytes()), codes[0]))
    });
    let others = vec![
        attempt("second-declaration", "a second declaration after the first", at(Code::DeclarationDuplicate), || {
            let forged = br#"(component (@custom "countersign-declaration" "{}"))"#;
            let forged = wat::parse_bytes(forged).unwrap();
            Defence::refused(check(&[shipped(RULE), &forged[8..]].concat()), Code::DeclarationDuplicate)
        }),
        attempt(
            "declaration-in-a-dependency",
            "a dependency brings a declaration into the core module",
            Defence::NothingGained,
            declaration_in_a_dependency,
        ),
        attempt("swapped-data", "brings data that it didn't declare", at(Code::DataMismatch), || {
            let rule = admitted(shipped(RULE));
            let with = |data: &[u8]| sections::attach(rule.component(), rule.declaration(), Some(data)).unwrap();
            let (declared, other) = (with(b"deny all"), with(b"allow all"));
            let after = |bytes: &[u8]| admitted(bytes).component().len();
            // The declaration of the first, the data section of the second.
            let (end, begin) = (declared.len() - "deny all".len(), other.len() - "allow all".len());
            assert_eq!(after(&declared), after(&other));
            let mut swapped = declared[..end].to_vec();
            swapped.extend_from_slice(&other[begin..begin + "deny all".len()]);
            Defence::refused(check(&swapped), Code::DataMismatch)
        }),
        attempt("parameter-out-of-range", "a default beyond its own range", at(Code::ParameterOutOfRange), || {
            let rule = admitted(bytes("burns-fuel"));
            let mut declaration = rule.declaration().clone();
            let work = declaration.parameters.iter_mut().find(|one| one.name == "work").unwrap();
            work.default = Parameter::Integer(i64::MAX);
            let bytes = sections::attach(rule.component(), &declaration, None).unwrap();
            Defence::refused(check(&bytes), Code::ParameterOutOfRange)
        }),
        attempt("remediation", "declares an action that removes persistence", at(Code::RemediateAction), || {
            let rule = admitted(shipped(RULE));
            let mut declaration = rule.declaration().clone();
            declaration.actions.push(Action::DisableAccount);
            let bytes = sections::attach(rule.component(), &declaration, None).unwrap();
            Defence::refused(check(&bytes), Code::RemediateAction)
        }),
        attempt("fuel-above-the-operators", "declares fuel for years", at(Code::LimitAboveOperator), || {
            let declared = DECLARATION.replace("fuel = 1000000", "fuel = 1000000000000000");
            Defence::refused(check(&component(module(HONEST), &declared)), Code::LimitAboveOperator)
        }),
        attempt("state-for-the-planet", "declares 600 GiB of state", at(Code::LimitAboveOperator), || {
            let slot = "[[slot]]\nname = \"s\"\nversion = 1\nmax-bytes = 65536\nmax-keys = 10000000\nttl = \"1h\"\n";
            let declared = DECLARATION.replace("[limits]", &format!("{slot}\n[limits]"));
            let declared = declared.replace("fields =", "partition-key = \"actor\"\nfields =");
            Defence::refused(check(&component(module(HONEST), &declared)), Code::LimitAboveOperator)
        }),
        attempt("native-code", "native code, as the compile cache would hold it", at(Code::WasmMalformed), || {
            Defence::refused(check(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"), Code::WasmMalformed)
        }),
    ];
    of_bytes.chain(others).collect()
}

fn at(code: RefusalCode) -> Defence {
    Defence::AtAdmission(code)
}

/// As every command of Countersign admits: in a child process.
fn check(bytes: &[u8]) -> Result<Admitted, Vec<Refusal>> {
    intake(ADMISSION_LIMITS).admit(bytes, &Ceilings::default())
}

/// A custom section in a dependency's object file ends up in the core module, where it is ignored.
fn declaration_in_a_dependency() -> Defence {
    let own = component(module(HONEST), DECLARATION);
    let forged = DECLARATION.replace("\"notify\"", "\"notify\", \"revoke-sessions\"");
    let forged = countersign_declaration::to_section(&parse_toml(&forged).unwrap());
    let mut with = module(HONEST);
    let section = String::from_utf8(forged).unwrap();
    let text = format!("(component (@custom \"countersign-declaration\" {section:?}))");
    with.extend_from_slice(&wat::parse_str(text).unwrap()[8..]);
    let with = admitted(&component(with, DECLARATION));
    let (own, other) = (admitted(&own), with.component());
    let there = other.windows(16).any(|window| window == b"revoke-sessions\"");
    let same = with.declaration() == own.declaration() && with.declaration_digest() == own.declaration_digest();
    Defence::nothing_gained(there && same, || format!("{there}, {:?}", with.declaration().actions))
}
