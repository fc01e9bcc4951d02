//! A stolen password signs in without a second factor and looks around.

use super::Intruder;
use crate::cloudtrail::caller::{Session, in_console};
use crate::cloudtrail::reads::LOOKING;
use crate::cloudtrail::signin;
use crate::label::Story;

const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let account = story.plan.estate.account(intruder.victim.user.account);
    let session = Session::new(story.plan.random, story.plan.now, false);
    let caller = in_console(account, &intruder.victim.user, &session, &intruder.address, BROWSER);
    story.about(&caller);
    let before = signin::before_session(&caller);
    // A wrong password first: a failed sign-in names the victim and proves nothing about them.
    story.make(&before, &signin::failed_login(false));
    let signed_in = story.make(&before, &signin::console_login(false));
    for read in LOOKING.iter().take(6) {
        let call = read.call(story.plan.random, account);
        story.make(&caller, &call);
    }
    story.expect_each("console-login-without-mfa", vec![signed_in]);
}
