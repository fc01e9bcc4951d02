//! Admission: any bytes are admitted or refused with reasons. What is admitted can be taken apart and put together again,
//! and is then the same rule.

use countersign_admission::{admit, admit_again, sections};
use countersign_declaration::Ceilings;
use countersign_model::Digest;

/// Low limits, so that bytes above them are found too.
fn ceilings() -> Ceilings {
    Ceilings {
        component_bytes: 48 << 10,
        declaration_bytes: 8 << 10,
        data_bytes: 1 << 10,
        custom_bytes: 4 << 10,
        function_bytes: 4 << 10,
        functions: 200,
        types: 500,
        items: 200,
        ..Ceilings::default()
    }
}

/// Checks some bytes. True if they were admitted.
pub fn check(bytes: &[u8]) -> bool {
    let ceilings = ceilings();
    let admitted = match admit(bytes, &ceilings) {
        Ok(admitted) => admitted,
        Err(refusals) => {
            assert!(!refusals.is_empty(), "refused without a reason");
            assert!(
                refusals.iter().all(|one| !one.place().is_empty() && !one.diagnostic.expected.is_empty()),
                "{refusals:?}"
            );
            return false;
        }
    };
    let stripped = sections::strip(bytes);
    assert_eq!(admitted.component(), stripped, "what is compiled is the component without our sections");
    assert_eq!(admitted.code(), Digest::of(&stripped));
    assert_eq!(admitted.data_digest(), admitted.data().map(Digest::of));
    assert_eq!(admitted.declaration().data, admitted.data_digest());
    assert_eq!(sections::strip(&stripped), stripped, "nothing of ours is left");

    let again = sections::attach(&stripped, admitted.declaration(), admitted.data());
    let again = again.unwrap_or_else(|refusals| panic!("what was admitted can't be put together: {refusals:?}"));
    let again = admit(&again, &ceilings).unwrap_or_else(|refusals| panic!("admitted once, then not: {refusals:?}"));
    let parameters = Digest::of(b"");
    let known = admit_again(bytes, &ceilings);
    let known = known.unwrap_or_else(|refusals| panic!("admitted once, then not: {refusals:?}"));
    assert_eq!((known.identity(parameters), known.component()), (admitted.identity(parameters), admitted.component()));
    assert_eq!(again.identity(parameters), admitted.identity(parameters));
    true
}
