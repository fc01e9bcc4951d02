//! The members of an event of a directory, as `docs/reference/directory.md` has them.

use crate::json::members;

members!(
    /// An event.
    Top {
        tenant = "directory",
        sequence = "sequence",
        id = "id",
        time = "time",
        kind = "type",
        outcome = "outcome",
        reason = "reason",
        actor = "actor",
        target = "target",
        group = "group",
        session = "session",
        factors = "factors",
        request = "request",
        ..others
    }
);

members!(
    /// Who or what takes part.
    Party {
        kind = "type",
        id = "id",
        name = "name",
        account = "account",
        account_name = "account_name",
        account_type = "account_type",
        session = "session",
        credential = "credential",
        token = "token",
        credential_kind = "kind",
    }
);

members!(
    /// The request that the event comes of.
    Request {
        id = "id",
        key = "idempotency_key",
        address = "address",
        proxy = "proxy",
        agent = "user_agent",
    }
);
