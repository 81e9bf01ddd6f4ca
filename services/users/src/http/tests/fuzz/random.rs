//! Reproducible choices, and changes of a JSON document that may make it invalid.

use serde_json::{Map, Value, json};

/// A stream of pseudo-random numbers (SplitMix64), the same for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A text that some part of a server may stumble over.
    pub(super) fn text(&mut self) -> String {
        const TEXTS: [&str; 16] = [
            "",
            " ",
            "ann",
            "0",
            "null",
            "True",
            "é",
            "\u{0}",
            "\u{202e}",
            "a\"b\\c",
            "😀",
            "%00",
            "' OR 1=1 --",
            "{}",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "emails[type eq \"work\"].value",
        ];
        match self.below(8) {
            0 => "x".repeat(self.below(6000)),
            1 => format!("t{}", self.below(1000)),
            _ => (*self.pick(&TEXTS)).to_owned(),
        }
    }

    pub(super) fn value(&mut self) -> Value {
        match self.below(12) {
            0 => Value::Null,
            1 => json!(self.chance(50)),
            2 => json!(-1),
            3 => json!(1.5),
            4 => json!(u64::MAX),
            5 => json!([]),
            6 => json!({}),
            7 => json!([self.text(), 7, null, {}]),
            8 => json!({"value": self.text(), "type": self.text(), "primary": "true"}),
            9 => nested(self.below(200)),
            _ => json!(self.text()),
        }
    }

    /// Changes one place of a document: another value, no value, another name, or a value more.
    pub(super) fn mutate(&mut self, document: &mut Value) {
        let deeper = self.chance(75);
        match document {
            Value::Object(members) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                let name = self.pick(&names).clone();
                match self.below(8) {
                    _ if deeper => self.mutate(&mut members[&name]),
                    0 => drop(members.remove(&name)),
                    1 => rename(members, &name, &name.to_uppercase()),
                    2 => {
                        let to = self.text();
                        rename(members, &name, &to);
                    }
                    3 => drop(members.insert(self.text(), self.value())),
                    // Twice, but for case.
                    4 => {
                        let copy = members[&name].clone();
                        members.insert(name.to_ascii_uppercase(), copy);
                    }
                    _ => members[&name] = self.value(),
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let index = self.below(items.len());
                match self.below(5) {
                    _ if deeper => self.mutate(&mut items[index]),
                    0 => drop(items.remove(index)),
                    1 => {
                        let copy = items[index].clone();
                        items.extend(vec![copy; self.below(60)]);
                    }
                    _ => items[index] = self.value(),
                }
            }
            place => *place = self.value(),
        }
    }

    /// Changes the bytes of a body: cut off, or with a wrong byte.
    pub(super) fn damage(&mut self, body: &mut Vec<u8>) {
        if body.is_empty() {
            return;
        }
        let at = self.below(body.len());
        match self.below(3) {
            0 => body.truncate(at),
            1 => body[at] ^= 1 << self.below(8),
            _ => body.insert(at, 0xff),
        }
    }
}

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.to_owned(), value);
    }
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, level| match level % 2 {
        0 => json!([inner]),
        _ => json!({"a": inner}),
    })
}
