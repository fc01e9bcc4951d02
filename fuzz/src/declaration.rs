//! Declarations: as `rule.toml` and as the bytes of their section. What is read is written, and read again as the same.

use std::collections::BTreeMap;

use countersign_declaration::{
    Ceilings, Declaration, check_ceilings, parameters_digest, parse_section, parse_toml, peek, resolve_parameters,
    to_section,
};

/// Checks some bytes: a section if they begin with a brace, else a `rule.toml`. True if they are a declaration.
pub fn check(bytes: &[u8]) -> bool {
    let parsed = if bytes.starts_with(b"{") {
        let _ = peek(bytes);
        parse_section(bytes).inspect(|declaration| {
            assert_eq!(to_section(declaration), bytes, "a section that is accepted is the one that is written");
        })
    } else {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        parse_toml(text)
    };
    match parsed {
        Ok(declaration) => accepted(&declaration),
        Err(refusals) => {
            assert!(!refusals.is_empty(), "refused without a reason");
            assert!(refusals.iter().all(|one| !one.to_string().contains('\n')), "{refusals:?}");
            return false;
        }
    }
    true
}

fn accepted(declaration: &Declaration) {
    let section = to_section(declaration);
    let again = parse_section(&section).unwrap_or_else(|refusals| panic!("written, then refused: {refusals:?}"));
    assert_eq!(again, *declaration);
    assert_eq!(to_section(&again), section);
    assert_eq!(
        check_ceilings(&again, &Ceilings::default()).is_empty(),
        check_ceilings(declaration, &Ceilings::default()).is_empty()
    );
    let peeked = peek(&section);
    assert_eq!((peeked.kind, peeked.limits), (Some(declaration.kind), Some(declaration.limits)));
    assert_eq!(peeked.slots, declaration.slots);

    let values = resolve_parameters(declaration, &BTreeMap::new());
    let values = values.unwrap_or_else(|refusals| panic!("a default isn't within its own range: {refusals:?}"));
    assert_eq!(values.len(), declaration.parameters.len());
    let names = declaration.parameters.iter().map(|one| one.name.as_str());
    let digest = parameters_digest(names.zip(&values));
    let names = declaration.parameters.iter().map(|one| one.name.as_str());
    let backwards: Vec<_> = names.zip(&values).collect();
    assert_eq!(parameters_digest(backwards.into_iter().rev()), digest, "the order of parameters shows");
}
