//! Where EXIF says nothing of it: which side is up, as XMP states it.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};

use super::TIFF;

/// The orientation that a packet states: 1 to 8.
pub fn orientation(packet: &[u8]) -> Option<u8> {
    let mut reader = NsReader::from_str(std::str::from_utf8(packet).ok()?.trim_end_matches('\0'));
    let mut inside = false;
    loop {
        let event = reader.read_event().ok()?;
        let is = |(namespace, local): (ResolveResult<'_>, quick_xml::name::LocalName<'_>)| {
            namespace == ResolveResult::Bound(Namespace(TIFF)) && local.as_ref() == "Orientation"
        };
        let opens = matches!(event, Event::Start(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                inside = opens && is(reader.resolver().resolve_element(start.name()));
                let mut attributes = start.attributes().flatten();
                let found =
                    attributes.find(|attribute| is(reader.resolver().resolve_attribute(attribute.key)));
                if let Some(found) = found {
                    return number(&found.value);
                }
            }
            Event::Text(text) if inside => return number(&text),
            Event::End(_) => inside = false,
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn number(text: &str) -> Option<u8> {
    text.trim().parse().ok().filter(|value| (1..=8).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_attribute_or_an_element() {
        let packet = |inner: &str| format!("<r:RDF xmlns:r='r' xmlns:t='{TIFF}' xmlns:o='o'>{inner}</r:RDF>");
        for (inner, expected) in [
            ("<r:Description t:Orientation='6'/>", Some(6)),
            ("<r:Description><t:Orientation> 8 </t:Orientation></r:Description>", Some(8)),
            ("<r:Description o:Orientation='6'/>", None),
            ("<r:Description t:Orientation='9'/>", None),
            ("<r:Description><t:Orientation/>3</r:Description>", None),
        ] {
            assert_eq!(orientation(packet(inner).as_bytes()), expected, "{inner}");
        }
        assert_eq!(orientation(b"\xFF<"), None);
    }
}
