mod attributes;
mod groups;
mod patch;
mod registrations;
mod scim;
mod search;
mod user;
