import Hummingbird
import JWTKit
import Configuration
