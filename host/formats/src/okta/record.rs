//! The members of a System Log event that we know, as Okta's reference names them ("System Log API", `LogEvent`).
//!
//! Collectors change the spelling of names on the way: `eventtype`, `debug_context`. Names are known whatever their case
//! and underscores; of two spellings of one name in a record the last one counts.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{Member, members};

members!(
    /// An event.
    Top in any_spelling {
        uuid = "uuid",
        published = "published",
        event_type = "eventType",
        legacy_event_type = "legacyEventType",
        display_message = "displayMessage",
        severity = "severity",
        actor = "actor",
        client = "client",
        device = "device",
        outcome = "outcome",
        target = "target",
        transaction = "transaction",
        request = "request",
        authentication_context = "authenticationContext",
        security_context = "securityContext",
        debug_context = "debugContext",
        // What a collector adds when it has changed `published`.
        collected_time = "p_event_time",
        timestamp = "@timestamp",
        // The generator's envelope; see `Okta`.
        receipt_time = "countersign.ingestTime",
        ..others
    }
);

members!(
    /// The actor, or one of the targets.
    Party in any_spelling {
        id = "id",
        kind = "type",
        alternate_id = "alternateId",
        display_name = "displayName",
        detail = "detailEntry",
    }
);

members!(
    /// Details of a target.
    Detail in any_spelling {
        method = "methodTypeUsed",
    }
);

members!(
    /// What the request came from.
    Client in any_spelling {
        id = "id",
        address = "ipAddress",
        user_agent = "userAgent",
        geography = "geographicalContext",
    }
);

members!(
    /// The user agent, as Okta took it apart.
    UserAgent in any_spelling {
        os = "os",
        browser = "browser",
        raw = "rawUserAgent",
    }
);

members!(
    /// Where the client is, as Okta looked it up.
    Geography in any_spelling {
        city = "city",
        country = "country",
        geolocation = "geolocation",
    }
);

members!(
    /// Degrees.
    Geolocation in any_spelling {
        lat = "lat",
        lon = "lon",
    }
);

members!(
    /// The network of the client.
    Security in any_spelling {
        number = "asNumber",
        organisation = "asOrg",
        isp = "isp",
    }
);

members!(
    /// How the actor's session began.
    Authentication in any_spelling {
        session = "externalSessionId",
        provider = "authenticationProvider",
        credential_type = "credentialType",
        issuer = "issuer",
    }
);

members!(
    /// Who issued the token that the session rests on.
    Issuer in any_spelling {
        id = "id",
    }
);

members!(
    /// How it went.
    Outcome in any_spelling {
        result = "result",
        reason = "reason",
    }
);

members!(
    /// The request or job that the event is part of.
    Transaction in any_spelling {
        id = "id",
        kind = "type",
        detail = "detail",
    }
);

members!(
    /// Details of the transaction.
    TransactionDetail in any_spelling {
        api_token = "requestApiTokenId",
    }
);

members!(
    /// A registered device.
    Device in any_spelling {
        id = "id",
        name = "name",
    }
);

members!(
    /// The addresses that the request came through.
    Request in any_spelling {
        chain = "ipChain",
    }
);

members!(
    /// One of them.
    Hop in any_spelling {
        address = "ip",
    }
);

members!(
    /// What an event is debugged with.
    DebugContext in any_spelling {
        data = "debugData",
    }
);

members!(
    /// Okta promises nothing about these; those that are worth a field are the same in every org.
    DebugData in any_spelling {
        factor = "factor",
        request_id = "requestId",
        grant_type = "grantType",
        privileges = "privilegeGranted",
        risk = "risk",
        log_only = "logOnlySecurityData",
        sign_on_mode = "signOnMode",
        user = "userId",
    }
);

members!(
    /// Of `logOnlySecurityData`.
    LogOnly in any_spelling {
        risk = "risk",
    }
);

members!(
    /// A risk that was not written as text.
    Risk in any_spelling {
        level = "level",
    }
);

/// The elements of an array, each still as JSON; none if it isn't one.
pub(super) fn elements(member: Member<'_>) -> Option<Vec<Member<'_>>> {
    let elements: Vec<&RawValue> = serde_json::from_str(member.json()?).ok()?;
    Some(elements.into_iter().map(|element| Member::new(element.get())).collect())
}

/// A member's text; none for `unknown` and `null`, which Okta writes for an unknown value.
pub(super) fn text_of<'a>(member: Member<'a>) -> Option<Cow<'a, str>> {
    member.text().filter(|text| !text.eq_ignore_ascii_case("unknown") && text != "null")
}
