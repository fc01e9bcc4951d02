//! Security keys: what they sign, whether they were touched, and what isn't a signature of theirs.

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use proptest::prelude::*;
use ssh_key::public::{Ed25519PublicKey, SkEcdsaSha2NistP256, SkEd25519};
use ssh_key::{Algorithm, PublicKey as SshKey};

use countersign_signing::SecretKey;

use super::*;

const MESSAGE: &[u8] = b"a statement";
const APPLICATION: &str = "ssh:";

/// Signs what a security key is given.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A security key, played in software.
struct Token {
    public: KeyData,
    algorithm: Algorithm,
    sign: Sign,
}

fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()).collect()
}

fn read(algorithm: &str, parts: &[&[u8]]) -> KeyData {
    let mut bytes = wire(&[algorithm.as_bytes()]);
    bytes.extend(wire(parts));
    SshKey::from_bytes(&bytes).unwrap().key_data().clone()
}

fn ed25519() -> Token {
    let secret = SecretKey::generate().unwrap();
    let public = read("sk-ssh-ed25519@openssh.com", &[&secret.public().to_bytes(), APPLICATION.as_bytes()]);
    assert!(matches!(&public, KeyData::SkEd25519(key) if SkEd25519::application(key) == APPLICATION));
    Token { public, algorithm: Algorithm::SkEd25519, sign: Box::new(move |data| secret.sign(data).to_vec()) }
}

fn mpint(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap();
    let mut digits = number[start..].to_vec();
    if digits[0] & 0x80 != 0 {
        digits.insert(0, 0);
    }
    wire(&[&digits])
}

fn ecdsa() -> Token {
    // Any number below the order of the curve.
    let secret = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(false);
    let public = read("sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", point.as_bytes(), APPLICATION.as_bytes()]);
    assert!(
        matches!(&public, KeyData::SkEcdsaSha2NistP256(key) if SkEcdsaSha2NistP256::application(key) == APPLICATION)
    );
    let sign = move |data: &[u8]| {
        let signature: Signature = secret.sign(data);
        let (r, s) = signature.split_bytes();
        [mpint(&r), mpint(&s)].concat()
    };
    Token { public, algorithm: Algorithm::SkEcdsaSha2NistP256, sign: Box::new(sign) }
}

impl Token {
    fn signs(&self, flags: u8) -> SshSig {
        let trailer = [flags, 0, 0, 0, 9];
        let signed = SshSig::signed_data("n", HashAlg::Sha512, MESSAGE).unwrap();
        let mut signature = (self.sign)(&by_security_key(APPLICATION, &trailer, &signed));
        signature.extend(trailer);
        let signature = ssh_key::Signature::new(self.algorithm.clone(), signature).unwrap();
        SshSig::new(self.public.clone(), "n", HashAlg::Sha512, signature).unwrap()
    }
}

#[test]
fn security_keys_count_where_they_were_touched() {
    for token in [ed25519(), ecdsa()] {
        assert_eq!(check(&token.signs(1), MESSAGE), Ok(()), "{}", token.algorithm);
        assert_eq!(check(&token.signs(5), MESSAGE), Ok(()), "with a PIN");
        assert_eq!(check(&token.signs(0), MESSAGE), Err(Fault::NotTouched));
        assert_eq!(check(&token.signs(4), MESSAGE), Err(Fault::NotTouched));
        assert_eq!(check(&token.signs(1), b"another statement"), Err(Fault::Forged));
    }
}

#[test]
fn a_key_under_which_anybody_signs_signs_nothing() {
    // The neutral element: any message verifies under it unless that is looked for.
    let mut weak = [0; 32];
    weak[0] = 1;
    let public = KeyData::Ed25519(Ed25519PublicKey(weak));
    let mut bytes = vec![0; 64];
    bytes[0] = 1;
    let signature = ssh_key::Signature::new(Algorithm::Ed25519, bytes).unwrap();
    let signature = SshSig::new(public, "n", HashAlg::Sha512, signature).unwrap();
    assert_eq!(check(&signature, MESSAGE), Err(Fault::Forged));
}

proptest! {
    #[test]
    fn numbers_are_read_in_one_way(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some((number, rest)) = number(&bytes) {
            prop_assert_eq!([mpint(&number), rest.to_vec()].concat(), bytes);
        }
    }

    #[test]
    fn a_changed_signature_is_none(place in 0_usize..100, bit in 0_u8..8) {
        for token in [ed25519(), ecdsa()] {
            let good = token.signs(1);
            let mut bytes = good.signature_bytes().to_vec();
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            let Ok(signature) = ssh_key::Signature::new(token.algorithm.clone(), bytes) else { continue };
            let Ok(changed) = SshSig::new(token.public.clone(), "n", HashAlg::Sha512, signature) else { continue };
            prop_assert_eq!(check(&changed, MESSAGE), Err(Fault::Forged));
        }
    }
}
