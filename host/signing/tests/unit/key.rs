//! Keys: their text, and that a signature is of one key and one message.

use super::*;

/// The first test of RFC 8032, section 7.1.
const SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5,
    0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

fn key() -> SecretKey {
    SecretKey::parse(&format!("ed25519-secret:{}\n", STANDARD.encode(SEED))).unwrap()
}

#[test]
fn signatures_are_those_of_rfc_8032() {
    let public = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    assert_eq!(key().public().to_string(), public);
    let signature = key().sign(b"");
    assert_eq!(&signature[..4], [0xe5, 0x56, 0x43, 0x00]);
    let public: PublicKey = public.parse().unwrap();
    assert!(public.verifies(b"", &signature));
    assert!(!public.verifies(b"a", &signature));
    let other = SecretKey::generate().unwrap();
    assert!(!other.public().verifies(b"", &signature));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!public.verifies(b"", &changed), "bit {bit}");
    }
}

#[test]
fn a_secret_key_reads_back_and_is_not_shown() {
    let text = key().text();
    assert_eq!(SecretKey::parse(&text).unwrap().public(), key().public());
    let shown = format!("{:?}", key());
    assert_eq!(shown, format!("SecretKey(of {})", key().public()));
    assert_ne!(SecretKey::generate().unwrap().public(), SecretKey::generate().unwrap().public());
}

#[test]
fn text_of_another_form_is_no_key() {
    let good = key().public().to_string();
    assert_eq!(good.parse::<PublicKey>().map(|key| key.to_string()), Ok(good.clone()));
    let form = Err(KeyError::Form { prefix: PUBLIC });
    for text in [
        "",
        "ed25519:",
        "ed25519:AAAA",
        &good[8..],
        &good[..good.len() - 1],
        &format!("{good}="),
        &format!(" {good}"),
        &format!("{good}\n"),
        &good.replace('/', "_"),
        &good.replace("ed25519", "ED25519"),
        // The same bytes with bits behind the last: another text of the same key.
        &good.replace("URo=", "URp="),
    ] {
        assert_eq!(text.parse::<PublicKey>(), form, "{text}");
    }
    assert_eq!(key().text().parse::<PublicKey>(), Err(KeyError::Secret));
    assert_eq!(SecretKey::parse(&good).err(), Some(KeyError::Form { prefix: SECRET }));
    let error = SecretKey::parse("ed25519-secret:c2VjcmV0").unwrap_err().to_string();
    assert!(!error.contains("c2Vj"), "{error}");
}

/// Points of low order (of a list by Bernstein), under which one signature is valid for many messages.
#[test]
fn keys_under_which_anybody_can_sign_are_refused() {
    let mut low_order = [[0; BYTES]; 4];
    low_order[1][0] = 1;
    low_order[2] = [0xff; BYTES];
    (low_order[2][0], low_order[2][31]) = (0xec, 0x7f);
    low_order[3] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    for bytes in low_order {
        let text = format!("ed25519:{}", STANDARD.encode(bytes));
        assert_eq!(text.parse::<PublicKey>(), Err(KeyError::Weak), "{text}");
    }
    // No point of the curve.
    let mut none = [0; BYTES];
    none[0] = 2;
    assert_eq!(format!("ed25519:{}", STANDARD.encode(none)).parse::<PublicKey>(), Err(KeyError::Weak));
}
