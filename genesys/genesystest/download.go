package genesystest

import (
	"net/http"
	"strings"
)

type download struct {
	mime    string
	content []byte
}

// store keeps a file of an agent's and describes it.
func (o *Org) store(mime, name string, content []byte) outboundAttachment {
	id := o.hex("download", 40)
	o.downloads[id] = download{mime, append([]byte{}, content...)}
	return outboundAttachment{
		ID: o.uuid("attachment"), MediaType: mediaType(mime), Mime: mime, Filename: name, Size: len(content),
		URL: o.downloadsAt() + "/api/v2/downloads/" + id,
	}
}

// ServeDownloadsAt says where Handler listens ("http://localhost:8080"), for the addresses of files that agents attach from
// now on. Otherwise they are at Genesys' host for downloads, which only HTTPClient reaches.
func (o *Org) ServeDownloadsAt(base string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.downloadBase = strings.TrimSuffix(base, "/")
}

func (o *Org) downloadsAt() string {
	if o.downloadBase != "" {
		return o.downloadBase
	}
	return "https://api-downloads." + o.opt.region.Domain()
}

func mediaType(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch kind {
	case "image":
		return "Image"
	case "video":
		return "Video"
	case "audio":
		return "Audio"
	default:
		return "File"
	}
}

func (o *Org) getDownload(c *call) answer {
	d, ok := o.downloads[c.vars["download"]]
	if !ok {
		return gone("download")
	}
	return answer{status: http.StatusOK, raw: d.content, mime: d.mime}
}
