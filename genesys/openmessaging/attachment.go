package openmessaging

import (
	"mime"
	"net/url"
	"strings"
)

// An Attachment is a file that Genesys or the host fetches by URL; the API uploads no bytes. It
// is also a [Content]. Its JSON is the same in both directions.
//
// In an [InboundMessage], URL and MIME are required. Genesys fetches the URL without
// credentials. Genesys drops an attachment without an error if its media type is not in the
// integration's supported content profile
// (https://help.mypurecloud.com/articles/supported-content-profiles/).
//
// In an [Outbound], download the URL promptly: how long it is valid, and whether it needs a
// bearer token, is UNCERTAIN.
type Attachment struct {
	ID string `json:"id,omitempty"`
	// An InboundMessage derives an empty one from MIME.
	MediaType MediaType `json:"mediaType,omitempty"`
	URL       string    `json:"url,omitempty"`  // absolute http or https
	MIME      string    `json:"mime,omitempty"` // type/subtype
	Filename  string    `json:"filename,omitempty"`
	Caption   string    `json:"text,omitempty"`
	SHA256    string    `json:"sha256,omitempty"`
	// Bytes, 0 if unknown; not sent to Genesys.
	Size int64 `json:"contentSizeBytes,omitempty"`
}

// A MediaType is the general kind of a file in the Genesys schema.
type MediaType string

// These are the media types of the Genesys schema.
const (
	MediaImage MediaType = "Image"
	MediaVideo MediaType = "Video"
	MediaAudio MediaType = "Audio"
	MediaFile  MediaType = "File"
	MediaLink  MediaType = "Link"
)

// MediaTypeOf returns the media type of a MIME type. It looks only at the part before the
// slash: image, video and audio have a media type each, and everything else is a [MediaFile].
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

// inbound returns the attachment in the form of the inbound schema: with a media type and
// without a size.
func (a Attachment) inbound() Attachment {
	if a.MediaType == "" {
		a.MediaType = MediaTypeOf(a.MIME)
	}
	a.Size = 0
	return a
}

// Validate reports every mistake in an attachment for Genesys: a URL that is missing or not
// absolute http(s), a MIME type that is missing or malformed, an unknown media type, and a
// declared size over [MaxAttachmentBytes]. Every error it returns wraps a [*FieldError].
func (a Attachment) Validate() error {
	p := problems{what: "attachment"}
	a.check(&p, "")
	return p.err()
}

func (a Attachment) check(p *problems, at string) {
	switch {
	case a.URL == "":
		p.add(at+"URL", "is empty; set one that Genesys can fetch without credentials")
	case !absoluteURL(a.URL):
		p.add(at+"URL", "is not an absolute http or https URL; set one that Genesys can fetch without credentials")
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
		p.add(at+"Size", "is %d bytes; Genesys accepts 0 to %d (25 MB), send a link in the text instead", a.Size, MaxAttachmentBytes)
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
