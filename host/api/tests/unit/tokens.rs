//! Tokens on disk: what is written by whom, when it counts, and what becomes of a file that can't be used.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

fn now() -> Timestamp {
    Timestamp(NOW.load(Ordering::Relaxed))
}

fn source(name: &str) -> Scope {
    Scope::Source(name.into())
}

#[test]
fn a_token_counts_at_once_until_it_is_revoked_or_expires() {
    let folder = tempfile::tempdir().unwrap();
    // A host, and a command beside it.
    let host = Tokens::open(folder.path(), now).unwrap();
    let command = Tokens::open(folder.path(), now).unwrap();
    let viewer = command.create(Scope::Viewer, DEFAULT, "test").unwrap();
    let trail = host.create(source("trail"), 2 * SHORTEST, "test").unwrap();
    for tokens in [&host, &command] {
        assert_eq!(tokens.check(&viewer.text), Some(Scope::Viewer));
        assert_eq!(tokens.check(&trail.text), Some(source("trail")));
        assert_eq!(tokens.list().unwrap(), [viewer.token.clone(), trail.token.clone()]);
    }
    let path = folder.path().join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(text.contains(&viewer.token.id));
    for made in [&viewer, &trail] {
        assert!(!text.contains(Token::parts(&made.text).unwrap().1));
    }
    // Another one's secret is no secret of its.
    let mixed = format!("countersign_{}_{}", viewer.token.id, Token::parts(&trail.text).unwrap().1);
    assert_eq!(host.check(&mixed), None);
    NOW.fetch_add(2 * SHORTEST, Ordering::Relaxed);
    assert_eq!(host.check(&trail.text), None);
    assert!(host.list().unwrap()[1].is_expired(now()));
    assert!(command.revoke(&viewer.token.id, "test").unwrap());
    assert_eq!(host.check(&viewer.text), None);
    assert!(!command.revoke(&viewer.token.id, "test").unwrap());
    // One that has expired is forgotten when another one is made.
    host.create(Scope::Viewer, DEFAULT, "test").unwrap();
    assert_eq!(host.list().unwrap().len(), 1);
}

#[test]
fn times_and_numbers_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path(), now).unwrap();
    for lasts in [0, -1, SHORTEST - 1, LONGEST + 1, i64::MAX, i64::MIN] {
        assert!(matches!(tokens.create(Scope::Viewer, lasts, "test"), Err(TokensError::Time)), "{lasts}");
    }
    let made = tokens.create(Scope::Viewer, LONGEST, "test").unwrap();
    let all = vec![made.token; MAX_TOKENS];
    let written = serde_json::to_vec_pretty(&Written { version: 1, tokens: all }).unwrap();
    assert!(written.len() < MAX_FILE as usize);
    std::fs::write(folder.path().join(FILE), written).unwrap();
    assert!(matches!(tokens.create(Scope::Viewer, DEFAULT, "test"), Err(TokensError::TooMany)));
}

#[test]
fn where_the_file_cant_be_used_no_token_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let tokens = Tokens::open(folder.path(), now).unwrap();
    let made = tokens.create(Scope::Viewer, DEFAULT, "test").unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let longer = "x".repeat(MAX_FILE as usize + 1);
    for broken in ["", "{", "[]", &good[..good.len() / 2], &good.replace("\"version\": 1", "\"version\": 2"), &longer] {
        std::fs::write(&path, broken).unwrap();
        assert_eq!(tokens.check(&made.text), None);
        assert!(tokens.create(Scope::Viewer, DEFAULT, "test").is_err());
        assert!(Tokens::open(folder.path(), now).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), broken, "it is left as it is");
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(tokens.check(&made.text), Some(Scope::Viewer));
    // Who wrote it may have let anybody in: it is closed to others.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(tokens.check(&made.text), Some(Scope::Viewer));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    // A link leads elsewhere, and nothing is no token.
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    assert_eq!(tokens.check(&made.text), None);
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    assert_eq!(tokens.check(&made.text), None);
}

#[test]
fn what_lies_in_the_way_of_the_file_is_replaced_and_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let (next, other) = (folder.path().join("tokens.json.next"), folder.path().join("other"));
    let tokens = Tokens::open(folder.path(), now).unwrap();
    let lie: [fn(&Path, &Path); 3] = [
        // By a crash, with a mode and a content of its own.
        |_, next| {
            std::fs::write(next, "half").unwrap();
            std::fs::set_permissions(next, std::fs::Permissions::from_mode(0o644)).unwrap();
        },
        |other, next| std::fs::hard_link(other, next).unwrap(),
        |other, next| std::os::unix::fs::symlink(other, next).unwrap(),
    ];
    for (number, lie) in lie.iter().enumerate() {
        std::fs::write(&other, "another one's").unwrap();
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o644)).unwrap();
        lie(&other, &next);
        tokens.create(Scope::Viewer, DEFAULT, "test").unwrap();
        assert_eq!(tokens.list().unwrap().len(), number + 1);
        assert_eq!(folder.path().join(FILE).symlink_metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "another one's");
        assert_eq!(other.metadata().unwrap().permissions().mode() & 0o7777, 0o644);
        assert!(next.symlink_metadata().is_err());
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_token_valid_again() {
    static SHOWN: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path(), || Timestamp(SHOWN.load(Ordering::Relaxed))).unwrap();
    let made = tokens.create(Scope::Viewer, SHORTEST, "test").unwrap();
    SHOWN.fetch_add(SHORTEST, Ordering::Relaxed);
    assert_eq!(tokens.check(&made.text), None);
    SHOWN.fetch_sub(SHORTEST, Ordering::Relaxed);
    assert_eq!(tokens.check(&made.text), None);
    assert!(tokens.list().unwrap()[0].is_expired(tokens.now()));
}
