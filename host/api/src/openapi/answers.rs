//! What endpoints answer.

use serde_json::{Value, json};

use super::schema::{digest, flag, list_of, named, object, object_with, optional, text, time, whole};

/// Every schema by its name.
pub(super) fn all() -> Value {
    json!({
        "Problem": problem(),
        "Ready": object(json!({
            "ready": flag(),
            "reasons": list_of(text()),
            "generation": optional(whole(0)),
            "on_disk": optional(object(json!({
                "digest": optional(digest()), "stage": text(), "reasons": list_of(text()),
            }))),
        })),
        "Status": status(),
        "Page": object(json!({ "items": list_of(object(json!({ "type": text() }))), "next": whole(0) })),
        "Generations": list_of(object(json!({
            "number": whole(1), "arrived": time(), "before": optional(whole(0)), "by": text(),
            "manifest": object(json!({
                "shipped_rules": flag(),
                "files": list_of(object(json!({ "role": text(), "name": text(), "digest": digest() }))),
            })),
        }))),
        "Rules": list_of(rule()),
        "Sources": list_of(source()),
        "Input": input(),
        "Ingested": object(json!({ "recorded": whole(0), "dead_letters": whole(0) })),
        "Applied": object_with(
            &["generation", "digest", "restart", "unread"],
            json!({
                "generation": whole(1), "digest": digest(), "state": text(), "restart": named("Restart"),
                "unread": list_of(text()),
            }),
        ),
        "Activity": activity(),
        "Reloading": object(json!({ "reloading": flag(), "restart": named("Restart") })),
        "Restart": object(json!({
            "changed": list_of(object(json!({ "key": text(), "running": {}, "now": {} }))),
            "faults": list_of(text()),
        })),
        "Token": object(token()),
        "Tokens": list_of(named("Token")),
        "IssuedToken": { "allOf": [named("Token"), object(json!({ "token": text() }))] },
        "Revoked": object(json!({ "revoked": text() })),
        "Compared": compared(),
        "Plan": plan(),
        "Description": object(json!({ "openapi": text(), "paths": object(json!({})) })),
    })
}

/// Who used an account.
fn activity() -> Value {
    object(json!({
        "account": text(),
        "callers": list_of(object(json!({
            "caller": text(), "count": whole(1), "days": whole(1), "last": text(),
        }))),
        "days": list_of(object(json!({
            "day": text(), "callers": list_of(object(json!({ "caller": text(), "count": whole(1) }))),
        }))),
    }))
}

/// RFC 9457.
fn problem() -> Value {
    let members = json!({
        "type": { "type": "string", "pattern": "^urn:countersign:problem:[a-z-]+$" },
        "title": text(),
        "status": { "type": "integer", "minimum": 400, "maximum": 599 },
        "detail": text(),
        "errors": list_of(text()),
    });
    object_with(&["type", "title", "status", "detail"], members)
}

fn status() -> Value {
    object(json!({
        "judged": object(json!({
            "generation": optional(whole(0)),
            "digest": optional(digest()),
            "left_out": list_of(text()),
            "place": optional(object(json!({ "batch": whole(0), "within": whole(0), "host": whole(0) }))),
            "records": whole(0),
            "stopped": optional(text()),
            "superseded": flag(),
        })),
        "recorder": object(json!({
            "first": whole(0), "last": whole(0), "last_host": whole(0), "judged": whole(0), "bytes": whole(0),
            "waiting_bytes": whole(0), "arrived": optional(time()), "refused": whole(0), "failing": whole(0),
        })),
        "sources": { "type": "object", "additionalProperties": named("Input") },
        "network": optional(object(json!({ "address": text(), "problem": optional(text()) }))),
        "restart": named("Restart"),
    }))
}

fn input() -> Value {
    object(json!({ "records": whole(0), "lag_bytes": whole(0), "problems": list_of(text()), "ended": flag() }))
}

fn rule() -> Value {
    object(json!({
        "rule": text(),
        "serves": optional(object(json!({
            "kind": { "enum": ["detection", "response"] },
            "version": text(), "proof": text(), "depth": whole(0), "component": digest(),
            "file": optional(text()), "on_disk": optional(digest()),
        }))),
        "code": optional(digest()),
        "holds": list_of(object(json!({ "source": text(), "since": time(), "until": time() }))),
        "keys": whole(0), "bytes": whole(0), "delivered": whole(0), "held": whole(0), "findings": whole(0),
        "absent_since": optional(time()),
    }))
}

fn source() -> Value {
    object(json!({
        "source": text(),
        "declared": optional(object(json!({
            "kind": optional(text()), "format": text(), "tenants": list_of(text()), "highest_class": text(),
            "expect_every": optional(whole(0)), "unread": optional(text()),
        }))),
        "records": whole(0), "arrived": optional(time()), "waiting": whole(0), "input": optional(named("Input")),
    }))
}

fn token() -> Value {
    json!({
        "id": { "type": "string", "pattern": "^[0-9a-f]{12}$" },
        "scope": { "enum": ["viewer", "source"] },
        "source": optional(text()), "created": time(), "expires": time(), "expired": flag(),
    })
}

fn compared() -> Value {
    let examples = || {
        list_of(object(json!({
            "event_time": time(), "event_id": text(), "account": optional(text()), "what": text(),
        })))
    };
    let group = object(json!({
        "rule": text(), "identity_type": text(), "serving": whole(0), "candidate": whole(0), "gained": whole(0),
        "lost": whole(0), "examples_gained": examples(), "examples_lost": examples(),
    }));
    object(json!({
        "serving": whole(0), "candidate": whole(0), "gained": whole(0), "lost": whole(0), "groups": list_of(group),
    }))
}

fn plan() -> Value {
    let item = object(json!({
        "kind": text(), "widens": flag(), "aspect": text(), "subject": text(), "change": text(),
    }));
    let omitted = object(json!({ "kind": text(), "widens": flag(), "count": whole(1) }));
    object(json!({
        "generation": whole(0), "serving": digest(), "digest": digest(), "refused": list_of(text()), "widens": flag(),
        "items": list_of(item),
        "omitted": list_of(omitted),
        "behaviour": optional(object(json!({
            "asked": text(), "recorded": text(), "enough": flag(), "warm_up": text(), "from": optional(time()),
            "to": optional(time()), "records": whole(0), "cut_short": optional(text()),
            "findings": named("Compared"), "decisions": named("Compared"),
        }))),
        "unread": list_of(text()),
        "restart": named("Restart"),
    }))
}
