//! What PNG says in texts of its own, as properties of XMP.

use quick_xml::escape::escape;

use super::{RDF, XMP};

const DC: &str = "http://purl.org/dc/elements/1.1/";

/// A property to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    namespace: &'static str,
    name: &'static str,
    /// The list that RDF wants around the value, if any.
    list: Option<&'static str>,
    value: String,
}

impl Property {
    /// The property that a text of PNG is; `None` if there is none, or the text is no date where one is expected.
    pub fn of_text(keyword: &str, text: &str) -> Option<Self> {
        let (namespace, name, list) = match keyword {
            "Title" => (DC, "title", Some("Alt")),
            "Author" => (DC, "creator", Some("Seq")),
            "Description" => (DC, "description", Some("Alt")),
            "Copyright" => (DC, "rights", Some("Alt")),
            "Source" => (DC, "source", None),
            "Creation Time" => (XMP, "CreateDate", None),
            _ => return None,
        };
        let value = if name == "CreateDate" { date(text)? } else { text.to_owned() };
        // XML has no way to write control characters.
        let value =
            value.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect();
        Some(Self { namespace, name, list, value })
    }

    /// When the picture was last changed: year, month, day, hour, minute, second of Universal Time.
    pub fn of_change(&[high, low, month, day, hour, minute, second]: &[u8; 7]) -> Option<Self> {
        let year = u16::from_be_bytes([high, low]);
        let right =
            (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        let value = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        right.then_some(Self { namespace: XMP, name: "ModifyDate", list: None, value })
    }

    /// Its namespace and name.
    pub fn name(&self) -> (&'static str, &'static str) {
        (self.namespace, self.name)
    }

    fn element(&self) -> String {
        let (name, value) = (self.name, escape(self.value.as_str()));
        let prefix = if self.namespace == DC { "dc" } else { "xmp" };
        let inner = match self.list {
            Some("Alt") => format!("<rdf:Alt><rdf:li xml:lang=\"x-default\">{value}</rdf:li></rdf:Alt>"),
            Some(list) => format!("<rdf:{list}><rdf:li>{value}</rdf:li></rdf:{list}>"),
            None => value.into_owned(),
        };
        format!("   <{prefix}:{name}>{inner}</{prefix}:{name}>\n")
    }
}

/// A date of ISO 8601, as XMP wants it, or of RFC 1123, as PNG's authors recommend: "Sat, 01 Jan 2000 12:00:00 GMT".
fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = text.as_bytes();
    if bytes.len() >= 10 && digits(text.get(..4)?) && bytes[4] == b'-' && digits(text.get(5..7)?) {
        return Some(text.replacen(' ', "T", 1));
    }
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let start = usize::from(words.first()?.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    let [day, month, year, time, ..] = *words.get(start..)? else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| month.starts_with(name))? + 1;
    let (day, year): (u8, u16) = (day.parse().ok()?, year.parse().ok()?);
    let right = digits(&time.replace(':', "")) && matches!(time.len(), 5 | 8);
    let zone = if text.ends_with("GMT") || text.ends_with("UTC") { "Z" } else { "" };
    right.then(|| format!("{year:04}-{month:02}-{day:02}T{time}{zone}"))
}

/// The properties as a description; empty if there are none.
pub fn description(about: &str, properties: &[&Property]) -> String {
    if properties.is_empty() {
        return String::new();
    }
    let elements: String = properties.iter().map(|property| property.element()).collect();
    format!(
        "  <rdf:Description xmlns:rdf=\"{RDF}\" rdf:about=\"{}\" xmlns:dc=\"{DC}\" xmlns:xmp=\"{XMP}\">\n\
         {elements}  </rdf:Description>\n",
        escape(about)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_xmp() {
        for (text, expected) in [
            ("1998-07-04", Some("1998-07-04")),
            ("1998-07-04 12:30:00", Some("1998-07-04T12:30:00")),
            ("Sat, 04 Jul 1998 12:30:00 GMT", Some("1998-07-04T12:30:00Z")),
            ("4 July 1998 12:30", Some("1998-07-04T12:30")),
            ("summer of 1998", None),
            ("", None),
        ] {
            assert_eq!(date(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_there_already_wins() {
        let more = [
            Property::of_text("Title", "Harbor <1>").unwrap(),
            Property::of_text("Author", "G. G.").unwrap(),
        ];
        let before = format!("<r:RDF xmlns:r='{RDF}'><r:Description xmlns:d='{DC}' d:title='Quay'/></r:RDF>");
        let (after, problem) = super::super::merged(Some(before.as_bytes()), None, &more);
        let after = String::from_utf8(after.unwrap()).unwrap();
        assert!(problem.is_none() && after.contains("Quay") && !after.contains("Harbor"), "{after}");
        assert!(after.contains("<dc:creator><rdf:Seq><rdf:li>G. G.</rdf:li>"), "{after}");
        let (fresh, _) = super::super::merged(None, None, &more);
        assert!(String::from_utf8(fresh.unwrap()).unwrap().contains("Harbor &lt;1&gt;"));
    }
}
