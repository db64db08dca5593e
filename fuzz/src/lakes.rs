//! Addresses of lakes, templates in them, and conditions on what names tell.

use worldstore_core::hive::HiveValue;
use worldstore_core::key::Key;
use worldstore_core::lake::{Filter, LakeUri, Template};

/// Three lines: an address or a template, a key, a condition. What was read prints as what reads the same; values that a
/// key tells make a key that tells the same values.
pub fn lake(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(3, '\n');
    let (address, key, condition) = (lines.next(), lines.next(), lines.next());
    let address = address.unwrap_or_default();
    if let Ok(uri) = LakeUri::parse(address) {
        assert_eq!(LakeUri::parse(&uri.to_string()).ok().as_ref(), Some(&uri), "an address prints as itself");
    }
    let filter = condition.and_then(|condition| Filter::parse(condition).ok());
    let Ok(template) = Template::parse(address) else { return };
    assert_eq!(Template::parse(&template.to_string()).ok().as_ref(), Some(&template), "a template prints as itself");
    if let Some(filter) = filter {
        let _checked = filter.check(&template);
    }
    let Some(Ok(key)) = key.map(Key::new) else { return };
    let Ok(Some(values)) = template.values(&key) else { return };
    let of_template = values.get(..template.variables().len()).unwrap_or_default();
    let given: Vec<(&str, HiveValue)> = of_template
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref().map_or(HiveValue::Null, HiveValue::from)))
        .collect();
    let Ok(path) = template.expand(&given) else { return };
    let Ok(again) = Key::new(&path) else { return };
    if let Ok(Some(read)) = template.values(&again) {
        assert_eq!(read.get(..of_template.len()), Some(of_template), "{path:?} tells other values than {key:?}");
    }
}
