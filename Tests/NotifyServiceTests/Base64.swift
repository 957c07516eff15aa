import FoundationEssentials

/// Standard base64 of the bytes.
func base64(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString()
}
