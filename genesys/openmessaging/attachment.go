package openmessaging

import (
	"mime"
	"net/url"
	"strings"
)

// An Attachment is a file by URL; nothing is uploaded. It is also a [Content]. Its JSON is the wire's, in both
// directions.
//
// Towards Genesys, URL and MIME are required, Genesys fetches the URL without credentials of yours, and a media type
// the integration's supported-content profile does not list is dropped in silence
// (https://help.mypurecloud.com/articles/supported-content-profiles/). From Genesys, how long the URL lives and whether
// it needs a bearer token is UNCERTAIN: download promptly.
type Attachment struct {
	ID        string    `json:"id,omitempty"`
	MediaType MediaType `json:"mediaType,omitempty"` // derived from MIME where empty, when an InboundMessage is written
	URL       string    `json:"url,omitempty"`       // absolute http or https
	MIME      string    `json:"mime,omitempty"`      // type/subtype
	Filename  string    `json:"filename,omitempty"`
	Caption   string    `json:"text,omitempty"`
	SHA256    string    `json:"sha256,omitempty"`
	Size      int64     `json:"contentSizeBytes,omitempty"` // bytes, 0 = not said; not sent towards Genesys
}

// A MediaType is Genesys' coarse kind of a file.
type MediaType string

// The media types of the wire's schema.
const (
	MediaImage MediaType = "Image"
	MediaVideo MediaType = "Video"
	MediaAudio MediaType = "Audio"
	MediaFile  MediaType = "File"
	MediaLink  MediaType = "Link"
)

// MediaTypeOf derives the media type from a MIME type, by what stands before the slash: image, video and audio;
// anything else is a [MediaFile].
func MediaTypeOf(mimeType string) MediaType {
	kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mimeType)), "/")
	switch kind {
	case "image":
		return MediaImage
	case "video":
		return MediaVideo
	case "audio":
		return MediaAudio
	default:
		return MediaFile
	}
}

// inbound is the attachment as the inbound schema has it: with a media type, without a size.
func (a Attachment) inbound() Attachment {
	if a.MediaType == "" {
		a.MediaType = MediaTypeOf(a.MIME)
	}
	a.Size = 0
	return a
}

// Validate reports every mistake of an attachment on its way to Genesys: no or no absolute http(s) URL, no or a
// malformed MIME type, a media type Genesys does not know, a declared size over [MaxAttachmentBytes]. Every error in
// it is a [*FieldError].
func (a Attachment) Validate() error {
	p := problems{what: "attachment"}
	a.check(&p, "")
	return p.err()
}

func (a Attachment) check(p *problems, at string) {
	switch {
	case a.URL == "":
		p.add(at+"URL", "is empty; give one that Genesys can fetch without credentials")
	case !absoluteURL(a.URL):
		p.add(at+"URL", "is not an absolute http or https URL; give one that Genesys can fetch without credentials")
	}
	if a.MIME == "" {
		p.add(at+"MIME", `is empty; set it to the file's type, such as "image/png"`)
	} else if t, _, err := mime.ParseMediaType(a.MIME); err != nil || !strings.Contains(t, "/") {
		p.add(at+"MIME", `is not of the form type/subtype, such as "image/png"`)
	}
	switch a.MediaType {
	case "", MediaImage, MediaVideo, MediaAudio, MediaFile, MediaLink:
	default:
		p.add(at+"MediaType", "is not one of Image, Video, Audio, File, Link; leave it empty to derive it from MIME")
	}
	if a.Size < 0 || a.Size > MaxAttachmentBytes {
		p.add(at+"Size", "is %d bytes; Genesys takes 0 to %d (25 MB), send a link in the text instead", a.Size, MaxAttachmentBytes)
	}
	p.utf8(at+"ID", a.ID)
	p.utf8(at+"Filename", a.Filename)
	p.utf8(at+"Caption", a.Caption)
	p.utf8(at+"SHA256", a.SHA256)
}

func (a *Attachment) size() int {
	if a == nil {
		return 0
	}
	return len(a.ID) + len(a.MediaType) + len(a.URL) + len(a.MIME) + len(a.Filename) + len(a.Caption) + len(a.SHA256)
}

func absoluteURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
