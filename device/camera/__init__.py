"""Eyes, for one picture at a time and only when somebody asks: the camera, and what it gives.

No camera library is loaded into the appliance: a short process takes one picture and ends.
"""
