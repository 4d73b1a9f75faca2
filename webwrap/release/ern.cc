#include "release/ern.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlwriter.h>

#include <cmath>
#include <ctime>
#include <map>
#include <memory>
#include <stdexcept>

namespace webwrap {
namespace {

/// libxml2 escapes what has a meaning in XML, but writes characters that XML has no way to hold: they become U+FFFD.
std::string xml_text(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    int length = int(std::min<std::size_t>(text.size() - at, 4));
    const int code = xmlGetUTF8Char(reinterpret_cast<const unsigned char*>(text.data()) + at, &length);
    if (code < 0) length = 1;
    const bool holds = code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xd800) ||
                       (code >= 0xe000 && code < 0xfffe) || (code >= 0x10000 && code <= 0x10ffff);
    if (holds)
      result.append(text, at, std::size_t(length));
    else
      result += "\xef\xbf\xbd";
    at += std::size_t(length);
  }
  return result;
}

/// Writes elements; one is open as long as its object lives.
class XmlWriter {
 public:
  XmlWriter() : buffer_(xmlBufferCreate(), xmlBufferFree), writer_(xmlNewTextWriterMemory(buffer_.get(), 0), xmlFreeTextWriter) {
    if (!buffer_ || !writer_) throw std::bad_alloc();
    xmlTextWriterSetIndent(writer_.get(), 1);
    xmlTextWriterSetIndentString(writer_.get(), xml("  "));
    check(xmlTextWriterStartDocument(writer_.get(), nullptr, "UTF-8", nullptr));
  }

  class Element {
   public:
    Element(XmlWriter& writer, const char* name) : writer_(writer) {
      writer_.check(xmlTextWriterStartElement(writer_.writer_.get(), xml(name)));
    }
    ~Element() { xmlTextWriterEndElement(writer_.writer_.get()); }
    Element(const Element&) = delete;

   private:
    XmlWriter& writer_;
  };

  void attribute(const char* name, const std::string& value) {
    check(xmlTextWriterWriteAttribute(writer_.get(), xml(name), xml(xml_text(value))));
  }
  void text(const char* name, const std::string& value, const char* attribute_name = nullptr, const std::string& attribute_value = {}) {
    check(xmlTextWriterStartElement(writer_.get(), xml(name)));
    if (attribute_name) attribute(attribute_name, attribute_value);
    check(xmlTextWriterWriteString(writer_.get(), xml(xml_text(value))));
    check(xmlTextWriterEndElement(writer_.get()));
  }
  std::string finish() {
    check(xmlTextWriterEndDocument(writer_.get()));
    check(xmlTextWriterFlush(writer_.get()));
    return reinterpret_cast<const char*>(xmlBufferContent(buffer_.get()));
  }

 private:
  static const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }
  static const xmlChar* xml(const std::string& text) { return xml(text.c_str()); }
  static void check(int result) {
    if (result < 0) throw std::runtime_error("An XML message cannot be written: libxml2 has no memory.");
  }

  std::unique_ptr<xmlBuffer, decltype(&xmlBufferFree)> buffer_;
  std::unique_ptr<xmlTextWriter, decltype(&xmlFreeTextWriter)> writer_;
};

std::string duration_of(double seconds) {
  const auto ms = std::llround(seconds * 1000);
  return fmt::format("PT{}M{}.{:03}S", ms / 60'000, ms / 1000 % 60, ms % 1000);
}

std::string parental_warning(const std::string& words) {
  if (words == "explicit") return "Explicit";
  return words == "edited" ? "ExplicitContentEdited" : "NotExplicit";
}

std::string writer_role(const std::string& role) {
  if (role == "composer") return "Composer";
  return role == "lyricist" ? "Lyricist" : "ComposerLyricist";
}

/// The references of all who are named in a message, by their names: one party each.
class Parties {
 public:
  const std::string& of(const std::string& name) {
    const auto [found, is_new] = references_.try_emplace(name, fmt::format("P{}", references_.size() + 1));
    if (is_new) names_.push_back(name);
    return found->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, std::string> references_;
  std::vector<std::string> names_;
};

class ErnWriter {
 public:
  explicit ErnWriter(const ReleaseMessage& release) : release_(release) {
    for (const Credit& artist : form().artists) parties_.of(artist.name);
    for (const ReleaseTrack& track : release.tracks)
      for (const Credit& writer : track.form.writers) parties_.of(writer.name);
    parties_.of(label());
  }

  std::string write() {
    {
      const Element root(xml_, "ern:NewReleaseMessage");
      xml_.attribute("xmlns:ern", "http://ddex.net/xml/ern/432");
      xml_.attribute("ReleaseProfileVersionId", is_single() ? "SimpleAudioSingle" : "Audio");
      xml_.attribute("AvsVersionId", "9");
      xml_.attribute("LanguageAndScriptCode", "en");
      write_header();
      write_parties();
      {
        const Element list(xml_, "ResourceList");
        for (std::size_t i = 0; i < release_.tracks.size(); ++i) write_recording(i);
        write_cover();
      }
      const Element list(xml_, "ReleaseList");
      write_release();
      if (!is_single())
        for (std::size_t i = 0; i < release_.tracks.size(); ++i) write_track_release(i);
    }
    return xml_.finish();
  }

 private:
  using Element = XmlWriter::Element;
  const ReleaseForm& form() const { return release_.form; }
  bool is_single() const { return release_.tracks.size() == 1; }
  std::string label() const { return form().label.empty() ? form().p_owner : form().label; }  // else the owner releases it himself
  std::string cover_reference() const { return fmt::format("A{}", release_.tracks.size() + 1); }

  void write_header() {
    const Element header(xml_, "MessageHeader");
    xml_.text("MessageId", release_.id);
    const auto party = [&](const char* element, const std::string& id, const std::string& name) {
      const Element writing(xml_, element);
      xml_.text("PartyId", id.empty() ? no_party_id : id);
      const Element party_name(xml_, "PartyName");
      xml_.text("FullName", name);
    };
    party("MessageSender", release_.sender_id, release_.sender_name);
    party("MessageRecipient", "", "To be named by the distributor");
    xml_.text("MessageCreatedDateTime", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time_t(release_.time))));
    xml_.text("MessageControlType", release_.sender_id.empty() ? "TestMessage" : "LiveMessage");
  }

  void write_parties() {
    const Element list(xml_, "PartyList");
    for (const std::string& name : parties_.names()) {
      const Element party(xml_, "Party");
      xml_.text("PartyReference", parties_.of(name));
      const Element party_name(xml_, "PartyName");
      xml_.text("FullName", name);
    }
  }

  void write_titles(const std::string& title, const std::string& version) {
    const std::string whole = version.empty() ? title : fmt::format("{} ({})", title, version);
    xml_.text("DisplayTitleText", whole);
    const Element display(xml_, "DisplayTitle");
    xml_.attribute("ApplicableTerritoryCode", "Worldwide");
    xml_.attribute("IsDefault", "true");
    xml_.text("TitleText", title);
    if (!version.empty()) xml_.text("SubTitle", version);
  }

  void write_artists() {
    xml_.text("DisplayArtistName", artist_line(form().artists), "ApplicableTerritoryCode", "Worldwide");
    for (std::size_t i = 0; i < form().artists.size(); ++i) {
      const Element artist(xml_, "DisplayArtist");
      xml_.attribute("SequenceNumber", std::to_string(i + 1));
      xml_.text("ArtistPartyReference", parties_.of(form().artists[i].name));
      xml_.text("DisplayArtistRole", form().artists[i].role == "main" ? "MainArtist" : "FeaturedArtist");
    }
  }

  void write_contributor(const std::string& name, const std::string& role, const char* ai) {
    const Element contributor(xml_, "Contributor");
    xml_.text("ContributorPartyReference", parties_.of(name));
    {
      const Element writing(xml_, "Role");
      xml_.text("Value", role);
    }
    xml_.text("AiContribution", ai);
  }

  void write_file(const ReleaseFile& file) {
    const Element element(xml_, "File");
    xml_.text("URI", file.path);
    {
      const Element hash(xml_, "HashSum");
      xml_.text("Algorithm", "SHA-256");
      xml_.text("HashSumValue", file.sha256);
    }
    xml_.text("FileSize", std::to_string(file.size));
  }

  void write_edition(std::size_t index) {
    const ReleaseTrack& track = release_.tracks[index];
    const Element edition(xml_, "SoundRecordingEdition");
    {
      const Element id(xml_, "ResourceId");
      if (!track.form.isrc.empty()) xml_.text("ISRC", track.form.isrc);
      xml_.text("ProprietaryId", track.form.song, "Namespace", release_.names_of);
    }
    write_owner_line("PLine", form().p_owner);
    const Element details(xml_, "TechnicalDetails");
    xml_.text("TechnicalResourceDetailsReference", fmt::format("T{}", index + 1));
    const Element delivery(xml_, "DeliveryFile");
    xml_.text("Type", "AudioFile");
    xml_.text("AudioCodecType", "FLAC");
    xml_.text("NumberOfChannels", "2");
    xml_.text("SamplingRate", "44.1", "UnitOfMeasure", "kHz");
    xml_.text("BitsPerSample", "24");
    write_file(track.file);
  }

  void write_owner_line(const char* name, const std::string& owner) {
    const Element line(xml_, name);
    xml_.text("Year", std::to_string(form().year));
    xml_.text(std::string(name) == "PLine" ? "PLineText" : "CLineText", fmt::format("{} {}", form().year, owner));
  }

  void write_recording(std::size_t index) {
    const TrackForm& track = release_.tracks[index].form;
    const Element recording(xml_, "SoundRecording");
    xml_.text("ResourceReference", fmt::format("A{}", index + 1));
    xml_.text("Type", "MusicalWorkSoundRecording");
    write_edition(index);
    if (!track.iswc.empty()) {
      const Element work(xml_, "WorkId");
      xml_.text("ISWC", track.iswc);
    }
    write_titles(track.title, track.version);
    write_artists();
    // A person sang, and software gave the voice its timbre: both are named, as DDEX's AI fields have it.
    const bool converted = track.has_converted_voice();
    for (const Credit& artist : form().artists) write_contributor(artist.name, "Vocalist", converted ? "Partly" : "None");
    if (converted) {
      const Element contributor(xml_, "Contributor");
      xml_.text("SpecialContributor", "GenerativeAI");
      {
        const Element role(xml_, "Role");
        xml_.text("Value", "Vocalist");
      }
      xml_.text("AiContribution", "All");
    }
    for (const Credit& writer : track.writers) write_contributor(writer.name, writer_role(writer.role), "None");
    xml_.text("Duration", duration_of(release_.tracks[index].seconds));
    xml_.text("ParentalWarningType", parental_warning(track.explicit_words));
    xml_.text("ContainsAI", converted ? "Partly" : "None");
    xml_.text("IsCover", track.is_cover ? "true" : "false");
    xml_.text("HasVocalPerformance", "true");
    xml_.text("LanguageOfPerformance", track.language);
  }

  void write_cover() {
    const Element image(xml_, "Image");
    xml_.text("ResourceReference", cover_reference());
    xml_.text("Type", "FrontCoverImage");
    {
      const Element id(xml_, "ResourceId");
      xml_.text("ProprietaryId", release_.id + "-cover", "Namespace", release_.names_of);
    }
    const Element details(xml_, "TechnicalDetails");
    xml_.text("TechnicalResourceDetailsReference", fmt::format("T{}", release_.tracks.size() + 1));
    xml_.text("ImageCodecType", "JPEG");
    xml_.text("ImageHeight", std::to_string(release_.cover_side), "UnitOfMeasure", "Pixel");
    xml_.text("ImageWidth", std::to_string(release_.cover_side), "UnitOfMeasure", "Pixel");
    write_file(release_.cover);
  }

  std::string release_parental_warning() const {
    for (const ReleaseTrack& track : release_.tracks)
      if (track.form.explicit_words == "explicit") return "Explicit";
    return parental_warning(release_.tracks.front().form.explicit_words);
  }

  void write_release() {
    const Element element(xml_, "Release");
    xml_.text("ReleaseReference", "R0");
    xml_.text("ReleaseType", is_single() ? "SingleResourceRelease" : release_.tracks.size() <= 6 ? "EP" : "Album");
    {
      const Element id(xml_, "ReleaseId");
      if (!form().upc.empty()) xml_.text("ICPN", form().upc);
      xml_.text("ProprietaryId", release_.id, "Namespace", release_.names_of);
    }
    write_titles(form().title, form().version);
    write_artists();
    xml_.text("ReleaseLabelReference", parties_.of(label()), "ApplicableTerritoryCode", "Worldwide");
    write_owner_line("PLine", form().p_owner);
    write_owner_line("CLine", form().c_owner);
    double seconds = 0;
    for (const ReleaseTrack& track : release_.tracks) seconds += track.seconds;
    xml_.text("Duration", duration_of(seconds));
    {
      const Element genre(xml_, "DisplayGenre");
      xml_.attribute("ApplicableTerritoryCode", "Worldwide");
      xml_.text("GenreText", form().genre);
    }
    if (!form().release_date.empty()) xml_.text("ReleaseDate", form().release_date, "ApplicableTerritoryCode", "Worldwide");
    xml_.text("ParentalWarningType", release_parental_warning());
    {
      const Element group(xml_, "ResourceGroup");
      for (std::size_t i = 0; i < release_.tracks.size(); ++i) {
        const Element item(xml_, "ResourceGroupContentItem");
        xml_.text("SequenceNumber", std::to_string(i + 1));
        xml_.text("ReleaseResourceReference", fmt::format("A{}", i + 1));
        xml_.text("LinkedReleaseResourceReference", cover_reference(), "LinkDescription", "CoverArt");
      }
    }
    bool converted = false;
    for (const ReleaseTrack& track : release_.tracks) converted |= track.form.has_converted_voice();
    xml_.text("ContainsAI", converted ? "Partly" : "None");
  }

  void write_track_release(std::size_t index) {
    const TrackForm& track = release_.tracks[index].form;
    const Element element(xml_, "TrackRelease");
    xml_.text("ReleaseReference", fmt::format("R{}", index + 1));
    {
      const Element id(xml_, "ReleaseId");
      xml_.text("ProprietaryId", fmt::format("{}-{}", release_.id, index + 1), "Namespace", release_.names_of);
    }
    write_titles(track.title, track.version);
    xml_.text("ReleaseResourceReference", fmt::format("A{}", index + 1));
    xml_.text("ReleaseLabelReference", parties_.of(label()), "ApplicableTerritoryCode", "Worldwide");
    const Element genre(xml_, "DisplayGenre");
    xml_.attribute("ApplicableTerritoryCode", "Worldwide");
    xml_.text("GenreText", form().genre);
  }

  const ReleaseMessage& release_;
  Parties parties_;
  XmlWriter xml_;
};

void collect_error(void* into, const xmlError* error) {
  std::string text = error->message ? error->message : "unknown";
  while (text.ends_with('\n')) text.pop_back();
  static_cast<std::vector<std::string>*>(into)->push_back(fmt::format("line {}: {}", error->line, text));
}

}  // namespace

std::string ern_message(const ReleaseMessage& release) { return ErnWriter(release).write(); }

std::vector<std::string> validate_xml(const std::string& text, const std::string& xsd_path) {
  const auto before = xmlGetExternalEntityLoader();
  xmlSetExternalEntityLoader(xmlNoNetExternalEntityLoader);
  std::vector<std::string> errors;
  const auto handler = [](void* into, auto* error) { collect_error(into, error); };
  const std::unique_ptr<xmlSchemaParserCtxt, decltype(&xmlSchemaFreeParserCtxt)> parser(xmlSchemaNewParserCtxt(xsd_path.c_str()),
                                                                                        xmlSchemaFreeParserCtxt);
  if (!parser) throw std::bad_alloc();
  xmlSchemaSetParserStructuredErrors(parser.get(), handler, &errors);
  const std::unique_ptr<xmlSchema, decltype(&xmlSchemaFree)> schema(xmlSchemaParse(parser.get()), xmlSchemaFree);
  xmlSetExternalEntityLoader(before);
  if (!schema)
    throw std::runtime_error(
        fmt::format("The schema {} cannot be read ({}); name DDEX's release-notification.xsd, with the files it imports.", xsd_path,
                    errors.empty() ? "no reason is given" : errors.front()));
  errors.clear();
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document(
      xmlReadMemory(text.data(), int(text.size()), nullptr, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
      xmlFreeDoc);
  if (!document) return {"It is no XML."};
  const std::unique_ptr<xmlSchemaValidCtxt, decltype(&xmlSchemaFreeValidCtxt)> validator(xmlSchemaNewValidCtxt(schema.get()),
                                                                                         xmlSchemaFreeValidCtxt);
  if (!validator) throw std::bad_alloc();
  xmlSchemaSetValidStructuredErrors(validator.get(), handler, &errors);
  const int result = xmlSchemaValidateDoc(validator.get(), document.get());
  if (result != 0 && errors.empty()) errors.push_back("It is not as the schema wants it.");
  return errors;
}

}  // namespace webwrap
