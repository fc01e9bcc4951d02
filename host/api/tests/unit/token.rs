//! The text of a token, and what is kept of it.

use super::*;

#[test]
fn a_token_has_256_bits_and_only_its_digest_is_kept() {
    let make = || Token::make(Scope::Viewer, Timestamp(0), Timestamp(10), "test").unwrap();
    let (one, other) = (make(), make());
    assert!(one.text.starts_with("countersign_"));
    let (id, secret) = Token::parts(&one.text).unwrap();
    assert_eq!((id, secret.len()), (one.token.id.as_str(), 64));
    assert_ne!(Token::parts(&other.text).unwrap().1, secret);
    assert!(one.token.has(secret) && !other.token.has(secret) && !one.token.has(""));
    let kept = serde_json::to_string(&one.token).unwrap();
    assert!(!kept.contains(secret) && !format!("{:?}", one.token).contains(secret));
    assert_eq!(serde_json::from_str::<Token>(&kept).unwrap(), one.token);
    assert!(!one.token.is_expired(Timestamp(9)) && one.token.is_expired(Timestamp(10)));
    for other in ["", "countersign_", "countersign__", &one.text[1..], &one.text[..one.text.len() - 1], secret] {
        assert!(Token::parts(other).is_none(), "{other}");
    }
}
