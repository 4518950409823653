//! XMP: merged as XML, so what others wrote is preserved, in their words and namespaces.
//!
//! Two things change: what the result makes untrue is removed (orientation, thumbnail, how the pixels were stored), and
//! a note is added that the colors are predicted. The term for this is IPTC's *compositeWithTrainedAlgorithmicMedia*
//! ("edited using generative AI"): two of the three numbers of each pixel come from a trained model, and only the
//! lightness from the photograph. *algorithmicallyEnhanced* would claim a correction of what was there.

mod orientation;
mod property;

use anyhow::{Context, anyhow, bail};
use quick_xml::NsReader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::writer::Writer;

pub use orientation::orientation;
pub use property::Property;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const XMP_MM: &str = "http://ns.adobe.com/xap/1.0/mm/";
const XMP_NOTE: &str = "http://ns.adobe.com/xmp/note/";
const EVENT: &str = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const IPTC: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";

/// IPTC's term for what comes partly from the camera and partly from a trained model.
pub const SOURCE_TYPE: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// What the result makes untrue.
const UNTRUE: [(&str, &str); 13] = [
    (TIFF, "Orientation"),
    (TIFF, "ImageWidth"),
    (TIFF, "ImageLength"),
    (TIFF, "BitsPerSample"),
    (TIFF, "SamplesPerPixel"),
    (TIFF, "PhotometricInterpretation"),
    (EXIF, "ColorSpace"),
    (EXIF, "PixelXDimension"),
    (EXIF, "PixelYDimension"),
    (PHOTOSHOP, "ColorMode"),
    (PHOTOSHOP, "ICCProfile"),
    (XMP, "Thumbnails"),
    // Names a second packet, which is not preserved.
    (XMP_NOTE, "HasExtendedXMP"),
];
/// What the note replaces.
const REPLACED: (&str, &str) = (IPTC, "DigitalSourceType");
/// Deepest nesting of elements; no photograph needs more.
const MAX_DEPTH: usize = 64;

/// Who made the colors.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The program and its version.
    pub tool: String,
    /// The model, as listed by `autochrome models`.
    pub model: String,
}

/// Merges the note and `more` properties into the existing XMP, which wins where it has them already; XMP that cannot be
/// merged is replaced, with a sentence about it.
pub fn merged(
    before: Option<&[u8]>,
    provenance: Option<&Provenance>,
    more: &[Property],
) -> (Option<Vec<u8>>, Option<String>) {
    let fresh = || {
        let mut parts = property::description("", &more.iter().collect::<Vec<_>>());
        parts += &provenance.map(|provenance| description("", provenance, true, true)).unwrap_or_default();
        (!parts.is_empty()).then(|| packet(&parts).into_bytes())
    };
    let Some(before) = before else { return (fresh(), None) };
    match Merge::run(before, provenance, more) {
        Ok(packet) => (Some(packet.into_bytes()), None),
        Err(error) => (fresh(), Some(format!("its XMP was dropped: {error}"))),
    }
}

fn packet(description: &str) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"{RDF}\">\n{description} </rdf:RDF>\n\
         </x:xmpmeta>\n<?xpacket end=\"w\"?>"
    )
}

/// The note as a description of its own, declaring the namespaces it uses.
fn description(about: &str, provenance: &Provenance, with_tool: bool, with_history: bool) -> String {
    let tool = escape(provenance.tool.as_str());
    let about = escape(about);
    let mut text = format!(
        "  <rdf:Description xmlns:rdf=\"{RDF}\" rdf:about=\"{about}\" xmlns:Iptc4xmpExt=\"{IPTC}\" xmlns:xmp=\"{XMP}\" \
         xmlns:xmpMM=\"{XMP_MM}\" xmlns:stEvt=\"{EVENT}\">\n   \
         <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>\n"
    );
    if with_tool {
        text += &format!("   <xmp:CreatorTool>{tool}</xmp:CreatorTool>\n");
    }
    if with_history {
        let event = event(provenance, "rdf", "");
        text += &format!("   <xmpMM:History>\n    <rdf:Seq>\n{event}    </rdf:Seq>\n   </xmpMM:History>\n");
    }
    text + "  </rdf:Description>\n"
}

/// The entry in the history of the file, where RDF is called `rdf`; `declared` is the namespaces that are not known
/// there. It has no time, so that the same photograph always gives the same file.
fn event(provenance: &Provenance, rdf: &str, declared: &str) -> String {
    let (tool, model) = (escape(provenance.tool.as_str()), escape(provenance.model.as_str()));
    format!(
        "     <{rdf}:li{declared} {rdf}:parseType=\"Resource\">\n      \
         <stEvt:action>edited</stEvt:action>\n      <stEvt:softwareAgent>{tool}</stEvt:softwareAgent>\n      \
         <stEvt:parameters>colors predicted by the model {model}; lightness is the photograph's\
         </stEvt:parameters>\n      <stEvt:changed>/</stEvt:changed>\n     </{rdf}:li>\n"
    )
}

/// The entry for an existing history, whose list is called `list`.
fn further_event(provenance: &Provenance, list: QName<'_>) -> String {
    let mut declared = format!(" xmlns:stEvt=\"{EVENT}\"");
    match list.prefix() {
        Some(prefix) => event(provenance, prefix.as_ref(), &declared),
        None => {
            declared += &format!(" xmlns:rdf=\"{RDF}\"");
            event(provenance, "rdf", &declared)
        }
    }
}

/// One walk through a packet.
struct Merge<'a> {
    reader: NsReader<&'a [u8]>,
    writer: Writer<Vec<u8>>,
    provenance: Option<&'a Provenance>,
    depth: usize,
    /// Depth of the element that is being left out.
    left_out: Option<usize>,
    about: Option<String>,
    has_tool: bool,
    /// Depth of the history that is being walked through.
    history: Option<usize>,
    has_history: bool,
    /// What is to be added, and which of it is there already.
    more: &'a [Property],
    present: Vec<(&'static str, &'static str)>,
    done: bool,
}

impl<'a> Merge<'a> {
    fn run(
        before: &'a [u8],
        provenance: Option<&'a Provenance>,
        more: &'a [Property],
    ) -> anyhow::Result<String> {
        let text = std::str::from_utf8(before).context("it is not UTF-8")?;
        let mut merge = Self {
            reader: NsReader::from_str(text.trim_end_matches('\0')),
            writer: Writer::new(Vec::new()),
            provenance,
            depth: 0,
            left_out: None,
            about: None,
            has_tool: false,
            history: None,
            has_history: false,
            more,
            present: Vec::new(),
            done: false,
        };
        while merge.step().context("it is damaged")? {}
        if !merge.done || merge.depth != 0 {
            bail!("it is incomplete, or contains no RDF");
        }
        Ok(String::from_utf8(merge.writer.into_inner())?)
    }

    /// Handles one event; `false` at the end.
    fn step(&mut self) -> anyhow::Result<bool> {
        match self.reader.read_event()? {
            Event::Eof => return Ok(false),
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    bail!("its elements are nested more than {MAX_DEPTH} deep");
                }
                if self.left_out.is_none() && self.goes(start.name(), false) {
                    self.left_out = Some(self.depth);
                }
                if self.left_out.is_none() {
                    let start = self.looked_at(&start)?;
                    self.writer.write_event(Event::Start(start))?;
                }
            }
            Event::Empty(start) => {
                if self.left_out.is_none() && !self.goes(start.name(), false) {
                    let start = self.looked_at(&start)?;
                    self.history = self.history.filter(|depth| *depth <= self.depth);
                    self.writer.write_event(Event::Empty(start))?;
                }
            }
            Event::End(end) => {
                if self.left_out.is_none() {
                    self.before_end(end.name())?;
                    self.writer.write_event(Event::End(end))?;
                }
                self.left_out = self.left_out.filter(|depth| *depth != self.depth);
                self.history = self.history.filter(|depth| *depth != self.depth);
                self.depth = self
                    .depth
                    .checked_sub(1)
                    .ok_or_else(|| anyhow!("it closes an element that was never opened"))?;
            }
            Event::DocType(_) => bail!("it declares a document type"),
            // The padding for editing in place is useless here.
            Event::Text(text) if self.depth == 0 && text.trim().is_empty() => {
                self.writer.write_event(Event::Text(BytesText::new("\n")))?;
            }
            event => {
                if self.left_out.is_none() {
                    self.writer.write_event(event)?;
                }
            }
        }
        Ok(true)
    }

    /// The namespace and name of an element or attribute.
    fn is(&self, name: QName<'_>, attribute: bool, wanted: (&str, &str)) -> bool {
        let resolver = self.reader.resolver();
        let (namespace, local) =
            if attribute { resolver.resolve_attribute(name) } else { resolver.resolve_element(name) };
        namespace == ResolveResult::Bound(Namespace(wanted.0)) && local.as_ref() == wanted.1
    }

    fn goes(&self, name: QName<'_>, attribute: bool) -> bool {
        UNTRUE.into_iter().any(|untrue| self.is(name, attribute, untrue))
            || self.provenance.is_some() && self.is(name, attribute, REPLACED)
    }

    /// An element without the attributes that are removed; what matters about it is noted.
    fn looked_at(&mut self, start: &BytesStart<'_>) -> anyhow::Result<BytesStart<'static>> {
        let mut kept = BytesStart::new(start.name().as_ref().to_owned());
        self.has_tool |= self.is(start.name(), false, (XMP, "CreatorTool"));
        self.mark(start.name(), false);
        if self.is(start.name(), false, (XMP_MM, "History")) {
            self.history = Some(self.depth);
        }
        let described = self.is(start.name(), false, (RDF, "Description"));
        for attribute in start.attributes() {
            let mut attribute = attribute?;
            // It is written between double quotes, whichever it stood between.
            if attribute.value.contains('"') {
                attribute.value = attribute.value.replace('"', "&quot;").into();
            }
            self.has_tool |= self.is(attribute.key, true, (XMP, "CreatorTool"));
            self.mark(attribute.key, true);
            if described && self.about.is_none() && self.is(attribute.key, true, (RDF, "about")) {
                self.about = Some(quick_xml::escape::unescape(&attribute.value)?.into_owned());
            }
            if !self.goes(attribute.key, true) {
                kept.push_attribute(attribute);
            }
        }
        Ok(kept.into_owned())
    }

    /// Notes a property that is to be added and is there already.
    fn mark(&mut self, name: QName<'_>, attribute: bool) {
        let found = self.more.iter().map(Property::name).find(|wanted| self.is(name, attribute, *wanted));
        self.present.extend(found);
    }

    /// What is written before an element ends: the note at the end of the whole, its event at the end of a history.
    fn before_end(&mut self, name: QName<'_>) -> anyhow::Result<()> {
        if let Some(provenance) = self.provenance
            && self.history.is_some_and(|depth| self.depth == depth + 1)
            && self.is(name, false, (RDF, "Seq"))
        {
            self.has_history = true;
            self.raw(&further_event(provenance, name))?;
        }
        if self.is(name, false, (RDF, "RDF")) && !self.done {
            self.done = true;
            let about = self.about.clone().unwrap_or_default();
            let missing: Vec<&Property> =
                self.more.iter().filter(|property| !self.present.contains(&property.name())).collect();
            let mut note = property::description(&about, &missing);
            if let Some(provenance) = self.provenance {
                note += &description(&about, provenance, !self.has_tool, !self.has_history);
            }
            if !note.is_empty() {
                self.raw(&note)?;
            }
        }
        Ok(())
    }

    fn raw(&mut self, xml: &str) -> anyhow::Result<()> {
        Ok(self.writer.write_event(Event::Text(BytesText::from_escaped(xml)))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Provenance {
        Provenance { tool: "Autochrome 1 <2>".into(), model: "a & b".into() }
    }

    fn text(before: &str) -> (String, Option<String>) {
        let (after, problem) = merged(Some(before.as_bytes()), Some(&note()), &[]);
        (String::from_utf8(after.unwrap()).unwrap(), problem)
    }

    /// Every element and attribute of a packet, by namespace and name.
    fn names(xml: &str) -> Vec<String> {
        let mut reader = NsReader::from_str(xml);
        let mut names = Vec::new();
        loop {
            let event = reader.read_event().unwrap();
            let (Event::Start(start) | Event::Empty(start)) = &event else {
                if event == Event::Eof {
                    return names;
                }
                continue;
            };
            let told =
                |(namespace, local): (ResolveResult<'_>, quick_xml::name::LocalName<'_>)| match namespace {
                    ResolveResult::Bound(Namespace(namespace)) => format!("{namespace}{}", local.as_ref()),
                    other => format!("{other:?}"),
                };
            names.push(told(reader.resolver().resolve_element(start.name())));
            for attribute in start.attributes().map(Result::unwrap) {
                if attribute.key.as_namespace_binding().is_none() {
                    names.push(told(reader.resolver().resolve_attribute(attribute.key)));
                }
            }
        }
    }

    #[test]
    fn a_note_of_its_own_is_well_formed() {
        let (packet, problem) = merged(None, Some(&note()), &[]);
        assert_eq!(problem, None);
        let packet = String::from_utf8(packet.unwrap()).unwrap();
        assert!(names(&packet).contains(&format!("{IPTC}DigitalSourceType")), "{packet}");
        assert!(packet.contains("a &amp; b") && packet.contains("Autochrome 1 &lt;2&gt;"), "{packet}");
        assert_eq!(merged(None, None, &[]), (None, None));
    }

    #[test]
    fn what_others_wrote_stays_and_what_is_untrue_goes() {
        let before = format!(
            "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><m:xmpmeta xmlns:m='adobe:ns:meta/'>\
             <r:RDF xmlns:r='{RDF}'><r:Description r:about='uuid:1' xmlns:t='{TIFF}' xmlns:i='{IPTC}' xmlns:x='{XMP}' \
             t:Orientation='6' t:Make='A &amp; B' i:DigitalSourceType='old'><x:Thumbnails><r:Alt><r:li>AAAA</r:li></r:Alt>\
             </x:Thumbnails><x:CreatorTool>Scan</x:CreatorTool><d:title xmlns:d='dc'>T\u{e9}</d:title></r:Description>\
             </r:RDF></m:xmpmeta>   \n   <?xpacket end='w'?>"
        );
        let (after, problem) = text(&before);
        assert_eq!(problem, None);
        let names = names(&after);
        for gone in [format!("{TIFF}Orientation"), format!("{XMP}Thumbnails")] {
            assert!(!names.contains(&gone), "{after}");
        }
        for kept in [format!("{TIFF}Make"), "dctitle".into(), format!("{XMP_MM}History")] {
            assert!(names.contains(&kept), "{kept}: {after}");
        }
        for single in [format!("{IPTC}DigitalSourceType"), format!("{XMP}CreatorTool")] {
            assert_eq!(names.iter().filter(|name| **name == single).count(), 1, "{single}: {after}");
        }
        assert!(
            after.contains("T\u{e9}") && after.contains("A &amp; B") && !after.contains("AAAA"),
            "{after}"
        );
        assert!(after.contains("rdf:about=\"uuid:1\""), "{after}");
        // A second time, the history grows and the rest stays.
        let (again, problem) = text(&after);
        assert_eq!(problem, None);
        assert_eq!(again.matches("<stEvt:action>").count(), 2, "{again}");
        assert_eq!(again.matches("<xmpMM:History>").count(), 1, "{again}");
    }

    #[test]
    fn a_quote_inside_other_quotes_stays_a_quote() {
        let before = format!("<r:RDF xmlns:r='{RDF}'><r:Description a='12\" by 9\"'/></r:RDF>");
        let (after, problem) = text(&before);
        assert_eq!(problem, None);
        assert!(after.contains("a=\"12&quot; by 9&quot;\""), "{after}");
        assert_eq!(text(&after).1, None);
    }

    #[test]
    fn what_is_no_xmp_is_replaced_with_a_sentence() {
        let deep = format!("<r:RDF xmlns:r='{RDF}'>{}", "<a>".repeat(100));
        for bad in ["", "no xml", "<a/>", "<a><b></a>", "<!DOCTYPE a><a/>", "</a>", &deep] {
            let (after, problem) = text(bad);
            assert!(problem.is_some_and(|problem| problem.starts_with("its XMP was dropped: ")), "{bad}");
            assert!(after.contains(SOURCE_TYPE));
        }
        assert!(merged(Some(b"\xFF\xFE<\0"), None, &[]).1.unwrap().contains("UTF-8"));
    }
}
