//! A new-hire day: an IT administrator makes six users with everything they need.

use crate::cloudtrail::caller::{Session, in_console};
use crate::cloudtrail::{iam, signin};
use crate::estate::Duty;
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let estate = story.plan.estate;
    let admins = estate.with_duty(Duty::ItAdmin);
    let Some(admin) = admins.first() else { return };
    let account = estate.account(admin.user.account);
    let session = Session::new(story.plan.random, story.plan.now, true);
    let caller = in_console(account, &admin.user, &session, &admin.office, admin.browser);
    story.about(&caller);
    let before = signin::before_session(&caller);
    story.make(&before, &signin::check_mfa());
    story.make(&before, &signin::console_login(true));
    for number in 1..=6 {
        let name = format!("new.hire{number:02}");
        let id = story.plan.random.id("AIDA", 17);
        let created = iam::create_user(story.plan.now, account, &name, &id);
        story.make(&caller, &created);
        let profile = iam::create_login_profile(story.plan.now, &name, true);
        story.make(&caller, &profile);
        story.make(&caller, &iam::add_user_to_group(&name, "Employees"));
        story.make(&caller, &iam::create_mfa_device(account, &name));
        story.make(&caller, &iam::enable_mfa_device(account, &name));
        if number % 2 == 0 {
            let key = iam::create_access_key(story.plan.random, story.plan.now, &name, true);
            story.make(&caller, &key);
        }
        story.plan.pause(10_000, 40_000);
    }
    story.label.tolerated.push("credential-created-for-another-principal");
}
