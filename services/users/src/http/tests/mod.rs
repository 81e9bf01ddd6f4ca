mod attributes;
mod patch;
mod registrations;
mod scim;
mod search;
mod user;
