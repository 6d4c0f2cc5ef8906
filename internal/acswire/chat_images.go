package acswire

import (
	"net/http"
	"strings"
)

// MaxChatImage is the largest image that may be uploaded, in bytes. ACS
// publishes no figure for it; this is ours.
const MaxChatImage = 20 << 20

const mediaOctets = "application/octet-stream"

// chatImageOperations are those of 2024-06-05-preview only.
func chatImageOperations() []Operation {
	only := VersionChatProperties()
	kinds := []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"}
	operations := []Operation{
		{
			ID: OpChatUploadImage, Method: http.MethodPost, Route: RouteChatImages, Summary: "Upload an image for messages of the thread.",
			Parameters: []Parameter{{Name: strings.ToLower(HeaderImageFilename), In: InHeader, Kind: KindString, Description: "The name of the file, with its ending."}},
			Request:    []byte{}, RequestTypes: append([]string{mediaOctets}, kinds...), MaxRequest: MaxChatImage,
			Responses: []OperationResponse{{
				Status: http.StatusCreated, Body: UploadChatImageResult{}, Headers: []string{HeaderLocation}, Description: "The image was stored.",
			}},
		},
		{
			ID: OpChatGetImage, Method: http.MethodGet, Route: RouteChatImageView, Summary: "Get an image, whole or small.",
			Responses: []OperationResponse{{Status: http.StatusOK, Body: []byte{}, Description: "The image."}}, ResponseTypes: kinds,
			Note: "Answered by every version whose messages show attachments: SDKs ask for the links of these with their own version.",
		},
		{
			ID: OpChatDeleteImage, Method: http.MethodDelete, Route: RouteChatImage, Summary: "Delete an image that the user uploaded.",
			Responses: []OperationResponse{{Status: http.StatusNoContent, Description: "The image is gone."}},
		},
	}
	for i := range operations {
		operations[i].First, operations[i].Last = only, only
	}
	for _, v := range chatVersions() {
		if v.Contract.Compare(VersionChatAttachments()) >= 0 && v.Contract != only {
			operations[1].Also = append(operations[1].Also, v.Version)
		}
	}
	return operations
}
